import Glibc
import SQLite
import SchedulerCore
import Store
import Testing

@testable import Access

@Suite struct UserTests {
    @Test func rolesAreOrdered() {
        #expect(Role.viewer < .operator && .operator < Role.admin && !(Role.admin < .admin))
        #expect(Role.allCases.sorted() == [.viewer, .operator, .admin])
        let principal = Principal(user: "ada", role: .operator, dags: ["hello"], origin: .session)
        #expect(principal.refusal(needing: .operator) == nil)
        #expect(principal.refusal(needing: .admin)?.message == "this needs the role admin")
        #expect(principal.reaches(dag: "hello") && !principal.reaches(dag: "other"))
    }

    @Test func usersAreListedByName() throws {
        let world = try AccessWorld()
        #expect(try !world.store.hasUsers())
        try world.add("zoe", .admin)
        try world.add("ada.l-1_x", .operator)
        #expect(try world.store.hasUsers())
        let users = try world.store.users()
        #expect(users.map(\.name) == ["ada.l-1_x", "zoe"] && users.map(\.role) == [.operator, .admin])
        #expect(users[0].createdAt == world.now && users[0].passwordAt == world.now && users[0].lastSignInAt == nil)
    }

    @Test(arguments: [
        ("", "'' is no name of a user: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"),
        ("a b", "'a b' is no name of a user: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"),
        ("..", "'..' is no name of a user: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"),
    ])
    func namesThatAreNone(name: String, message: String) throws {
        let world = try AccessWorld()
        let error = failure { () throws(AccessError) in
            try world.store.addUser(
                name, role: .admin, password: AccessWorld.password, by: "os:test", now: world.now)
        }
        #expect(error?.code == .invalid && error?.message == message)
    }

    @Test func passwordsThatWillNotDo() {
        #expect(
            PasswordRule.problem("123456789", user: "ada")
                == "the password is too short; it must have 10 characters or more")
        #expect(PasswordRule.problem("1234567890", user: "ada") == nil)
        #expect(PasswordRule.problem("äöüßäöüßäö", user: "ada") == nil)
        #expect(PasswordRule.problem("äöüßäöüßä", user: "ada") != nil, "characters, not bytes")
        #expect(
            PasswordRule.problem("Adalovelace1", user: "adalovelace1")
                == "the password is the user's name; take another one")
        #expect(PasswordRule.problem(String(repeating: "x", count: 1024), user: "ada") == nil)
        #expect(
            PasswordRule.problem(String(repeating: "x", count: 1025), user: "ada")
                == "the password is too long; it may have 1024 bytes")
    }

    @Test func aNameIsTakenOnce() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let error = failure { () throws(AccessError) in
            try world.store.addUser("ada", role: .admin, password: AccessWorld.password, by: "x", now: world.now)
        }
        #expect(error?.code == .exists)
        #expect(try world.store.users().map(\.role) == [.viewer])
    }

    @Test func theLastAdminStays() throws {
        let world = try AccessWorld()
        let (store, now) = (world.store, world.now)
        try world.add("root", .admin)
        try world.add("other", .admin)
        try store.setDisabled("other", to: true, by: "x", now: now)
        let words = "; make another one first, for example `weir user role NAME admin`"
        let cases: [(String, AccessError?)] = [
            (
                "demoted",
                failure { () throws(AccessError) in try store.setRole("root", to: .operator, by: "x", now: now) }
            ),
            (
                "disabled",
                failure { () throws(AccessError) in try store.setDisabled("root", to: true, by: "x", now: now) }
            ),
            ("removed", failure { () throws(AccessError) in try store.removeUser("root", by: "x", now: now) }),
        ]
        for (fate, error) in cases {
            #expect(error?.code == .lastAdmin)
            #expect(error?.message == "'root' is the last admin and cannot be \(fate)\(words)")
        }
        #expect(try store.users().first { $0.name == "root" }?.role == .admin)
        try store.removeUser("other", by: "x", now: now)
        try world.add("next", .admin)
        try store.setRole("root", to: .viewer, by: "x", now: now)
        try store.removeUser("root", by: "x", now: now)
        #expect(try store.users().map(\.name) == ["next"])
    }

    @Test func aWrongNameHasANearOne() throws {
        let world = try AccessWorld()
        try world.add("adalovelace")
        let error = failure { () throws(AccessError) in
            try world.store.setRole("adalovelce", to: .admin, by: "x", now: world.now)
        }
        #expect(error == AccessError(.notFound, "no user 'adalovelce'; did you mean 'adalovelace'?"))
    }

    @Test func theAuditTellsWhoAndWhat() throws {
        let world = try AccessWorld()
        try world.add("ada", .admin)
        try world.add("bob")
        world.pass(60)
        _ = try #require(world.signIn("bob").success)
        try world.store.setRole("bob", to: .operator, by: "ada", now: world.now)
        let token = try world.token("bob")
        try world.store.revokeToken(token.id, by: "ada", now: world.now)
        try world.store.setPassword("bob", to: "another password", by: "bob", now: world.now)
        try world.store.setDisabled("bob", to: true, by: "ada", now: world.now)
        try world.store.removeUser("bob", by: "ada", now: world.now)
        let audit = try world.store.audit(limit: 100)
        #expect(
            audit.map(\.action) == [
                "user.remove", "user.disable", "user.password", "token.revoke", "token.create", "user.role", "sign_in",
                "user.add", "user.add",
            ])
        #expect(audit.map(\.subject) == ["bob", "bob", "bob", token.id, token.id, "bob", "bob", "bob", "ada"])
        #expect(audit[0].actor == "ada" && audit[0].details == "with 1 token" && audit[0].at == world.now)
        #expect(audit[5].details == "viewer to operator, 1 session ended")
        #expect(audit[6].details == "from 192.0.2.1")
        #expect(audit[8].actor == "os:test" && audit[8].details == "as admin")
        #expect(try world.store.audit(limit: 2, before: audit[1].id).map(\.id) == [audit[2].id, audit[3].id])
    }

    @Test func nothingSecretIsStored() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let session = try #require(world.signIn("ada").success)
        let token = try world.token("ada")
        for file in ["", "-wal"] {
            let descriptor = open(world.path + file, O_RDONLY)
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 4 << 20)
            let count = read(descriptor, &bytes, bytes.count)
            let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            let secret = token.text.split(separator: "_")[2]
            for word in [AccessWorld.password, session.session, session.csrf, String(secret)] {
                #expect(!text.contains(word))
            }
            if file == "-wal" { #expect(text.contains("$argon2id$v=19$m=65536,t=2,p=1$"), "it was looked at") }
        }
    }
}
