import Access
import Glibc
import JSONText
import SchedulerCore
import Testing

@testable import Commands

/// `weir user` and `weir token`.
@Suite struct AccessCommandTests {
    private static let password = "correct horse battery"

    private func weir(_ home: CommandHome, _ line: String, typing answers: [String]? = nil) -> CommandHome.Output {
        run(
            line.split(separator: " ").map(String.init), environment: ["WEIR_HOME": home.path], answers: answers)
    }

    @discardableResult
    private func add(_ home: CommandHome, _ name: String, _ role: Role) -> CommandHome.Output {
        weir(home, "user add \(name) --role \(role.rawValue)", typing: [Self.password, Self.password])
    }

    private func signIn(
        _ home: CommandHome, _ name: String, _ password: String = AccessCommandTests.password
    ) throws -> Bool {
        let store = try AccessStore(path: home.path + "/state/access.db", creates: false)
        let now = Instant(seconds: 1_800_000_000)
        guard case .success = store.signIn(name: name, password: password, address: "::1", now: now) else {
            return false
        }
        return true
    }

    @Test func beforeThereIsAnybody() throws {
        let home = try CommandHome()
        let list = weir(home, "user list")
        #expect(list.status == 0 && list.out == "USER  ROLE  STATE  LAST SIGN-IN\n")
        #expect(list.err == "no users yet; `weir user add NAME --role admin` makes the first\n")
        #expect(weir(home, "user list --json").out == "[]\n" && weir(home, "token list --json").out == "[]\n")
        #expect(weir(home, "user audit --json").out == "[]\n")
        let role = weir(home, "user role ada admin")
        #expect(role.status == 4)
        #expect(role.err == "weir: there are no users yet; `weir user add NAME --role admin` makes the first\n")
        #expect(access(home.path + "/state", F_OK) != 0, "looking makes nothing")
    }

    @Test func theLifeOfAUser() throws {
        let home = try CommandHome()
        let added = add(home, "ada", .admin)
        #expect(added.status == 0 && added.out == "user ada may sign in as admin\n", "\(added.err)")
        #expect(!added.err.contains(Self.password))
        #expect(try signIn(home, "ada"))
        #expect(add(home, "bob", .viewer).status == 0)
        #expect(weir(home, "user role bob operator").out == "user bob is operator\n")
        let changed = weir(home, "user passwd bob", typing: ["a new password", "a new password"])
        #expect(changed.out == "user bob has a new password\n")
        #expect(try !signIn(home, "bob") && signIn(home, "bob", "a new password"))
        #expect(weir(home, "user disable bob").out == "user bob is disabled\n")
        #expect(try !signIn(home, "bob", "a new password"))
        let rows = weir(home, "user list").out.split(separator: "\n")
        #expect(rows.count == 3 && rows[1].hasPrefix("ada   admin     enabled   2027-"), "\(rows)")
        #expect(rows[2].hasPrefix("bob   operator  disabled  2027-"))
        #expect(weir(home, "user enable bob").out == "user bob is enabled\n")
        #expect(try signIn(home, "bob", "a new password"))
        let list = try home.json("user", "list").array ?? []
        #expect(list.map { $0["name"]?.string } == ["ada", "bob"] && list[1]["role"]?.string == "operator")
        #expect(list[1]["disabled"]?.bool == false && list[1]["last_sign_in"]?.string == "2027-01-15T08:00:00Z")
        #expect(weir(home, "user remove bob").out == "user bob is removed\n")
        let entries = try home.json("user", "audit").array ?? []
        #expect(entries.first?["action"]?.string == "user.remove" && entries.first?["subject"]?.string == "bob")
        #expect(entries.last?["action"]?.string == "user.add" && entries.last?["actor"]?.string == Session.accessActor)
        #expect(try home.json("user", "audit", "-n", "2").array?.count == 2)
        #expect(weir(home, "user audit").out.contains("os:"))
    }

    @Test func theLastAdminStays() throws {
        let home = try CommandHome()
        add(home, "ada", .admin)
        add(home, "bob", .operator)
        for (line, fate) in [
            ("user remove ada", "removed"), ("user disable ada", "disabled"), ("user role ada viewer", "demoted"),
        ] {
            let output = weir(home, line)
            #expect(output.status == 1)
            #expect(
                output.err
                    == "weir: 'ada' is the last admin and cannot be \(fate); make another one first, for example "
                    + "`weir user role NAME admin`\n")
        }
    }

    @Test(
        arguments: [
            ("user add ada --role root", nil, 2, "--role is 'root'; it must be one of viewer, operator, admin"),
            (
                "user add a/b", [password, password], 2,
                "'a/b' is no name of a user: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"
            ),
            ("user add new", ["short", "short"], 2, "the password is too short; it must have 10 characters or more"),
            ("user add new", [password, password + "!"], 2, "the two passwords differ; nothing is changed"),
            (
                "user add new", nil, 2,
                "there is no terminal to ask for the password; give it on standard input, with --password-stdin"
            ),
            (
                "user add new --password-stdin", [""], 2,
                "--password-stdin: standard input has no password in its first line"
            ),
            (
                "user add new \(password.split(separator: " ")[0])", nil, 2,
                "'correct' is too much: weir user add NAME [options]"
            ),
            ("user add ada", nil, 1, "there is a user 'ada' already; `weir user passwd` changes the password"),
            ("user passwd adaa", nil, 4, "no user 'adaa'; did you mean 'ada'?"),
            ("user role ada chief", nil, 2, "ROLE is 'chief'; it must be one of viewer, operator, admin"),
            ("token create ada", nil, 2, "--name is missing; say what the token is for: --name NAME"),
            ("token create zoe --name x", nil, 4, "no user 'zoe'; `weir user list` lists them"),
            (
                "token create ada --name x --expires soon", nil, 2,
                "--expires is 'soon'; it must be a length of time such as 90d"
            ),
            (
                "token create ada --name x --role admin", nil, 2,
                "a token of 'ada' may be operator at most, as its user is, and not admin"
            ),
            ("token create ada --name x --dag a/b", nil, 2, "'a/b' is no id of a DAG: 1 to 128 of A-Z a-z 0-9 _ . -"),
            ("token revoke x", nil, 4, "no token 'x'; `weir token list` lists them"),
        ] as [(String, [String]?, Int32, String)])
    func whatCannotBeDone(line: String, answers: [String]?, status: Int32, message: String) throws {
        let home = try CommandHome()
        add(home, "ada", .operator)
        let output = weir(home, line, typing: answers)
        #expect(output.status == status)
        #expect(output.err.hasSuffix("weir: \(message)\n"), "\(output.err)")
        #expect(weir(home, "user list --json").out.contains("ada") && !weir(home, "user list").out.contains("new"))
    }

    @Test func theLifeOfAToken() throws {
        let home = try CommandHome()
        add(home, "ada", .operator)
        let made = weir(home, "token create ada --name ci --role viewer --dag b --dag a --expires 90d")
        #expect(made.status == 0, "\(made.err)")
        let text = made.out.split(separator: "\n").joined()
        let id = String(text.split(separator: "_")[1])
        #expect(made.err == "this is shown once; `weir token revoke \(id)` ends it\n")
        let store = try AccessStore(path: home.path + "/state/access.db")
        let ask = {
            Authenticator(store).authenticate(
                authorization: "Bearer \(text)", session: nil, csrf: nil, method: "POST", address: "192.0.2.7",
                now: Instant(seconds: 1_800_000_000))
        }
        // The program's clock may be past that; only who it is counts here.
        let token = try home.json("token", "list").array?.first
        #expect(token?["id"]?.string == id && token?["user"]?.string == "ada" && token?["valid"]?.bool == true)
        #expect(token?["dags"]?.array?.compactMap(\.string) == ["a", "b"] && token?["role"]?.string == "viewer")
        guard case .success(let principal) = ask() else {
            Issue.record("it is refused")
            return
        }
        #expect(principal == Principal(user: "ada", role: .viewer, dags: ["a", "b"], origin: .token(id: id)))
        #expect(try home.json("token", "list").array?.first?["last_address"]?.string == "192.0.2.7")
        #expect(weir(home, "token list").out.contains("  until 20"))
        #expect(weir(home, "token revoke \(id)").out == "token \(id) is revoked\n")
        guard case .failure(let refusal) = ask() else {
            Issue.record("a revoked token is taken")
            return
        }
        #expect(refusal.code == .invalidToken)
        #expect(weir(home, "token list").out.contains("revoked") && !weir(home, "token list").out.contains(text))
        let json = try home.json("token", "create", "ada", "--name", "other")
        #expect(json["token"]?.string?.hasPrefix("weir_") == true && json["dags"]?.isNull == true)
    }

    @Test func namesForTheShell() throws {
        let home = try CommandHome()
        add(home, "ada", .admin)
        add(home, "bob", .viewer)
        let id = try home.json("token", "create", "ada", "--name", "ci")["id"]?.string ?? ""
        let complete = { (words: String...) in
            run(["__complete", "--"] + words, environment: ["WEIR_HOME": home.path]).out.split(separator: "\n")
        }
        #expect(complete("user", "role", "") == ["ada\tadmin", "bob\tviewer"])
        #expect(complete("user", "role", "ada", "") == ["viewer", "operator", "admin"])
        #expect(complete("token", "create", "a") == ["ada\tadmin"])
        #expect(complete("token", "revoke", "") == ["\(id)\tada, ci"])
        #expect(weir(home, "token revoke \(id)").status == 0)
        #expect(complete("token", "revoke", "") == [])
    }

    @Test func theDoctorLooksAtTheFilesMode() throws {
        let home = try CommandHome()
        add(home, "ada", .admin)
        let path = home.path + "/state/access.db"
        #expect(home.weir("doctor", "--json").out.contains("\(path) is its owner's alone"))
        chmod(path, 0o644)
        let output = home.weir("doctor", "--json")
        #expect(output.status == 1)
        #expect(output.out.contains("others than its owner may use it (mode 644)"))
        #expect(output.out.contains("`chmod 600 \(path)`"))
        let refused = weir(home, "user list")
        #expect(refused.status == 1 && refused.err.contains("`chmod 600 \(path)`"))
    }
}
