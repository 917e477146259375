import API
import Access
import Engine
import JSONText
import SchedulerCore

/// `weir token`: what programs use in the place of a password.
enum TokenCommand {
    static let spec = CommandSpec.group(
        "token", "make, list and revoke API tokens, by which programs act for a user", [create, list, revoke])

    private static let create = CommandSpec(
        name: "token create", summary: "make a token; its text is shown once and stored nowhere",
        positionals: [.init(name: "USER", values: .user, help: "whose token it is")],
        options: [
            .value("--name", "NAME", "what it is for; needed"),
            .value(
                "--role", "ROLE", values: .words(of: Role.self),
                "what it may, at most what its user may; default: that"),
            .value("--dag", "DAG", values: .dag, repeats: true, "only this DAG; may be given again"),
            .value("--expires", "AGE", "it ends after this time, such as 90d; default: never"),
            CommandSpec.json,
        ],
        examples: [
            (
                "weir token create ada --name ci --role operator --dag hello --expires 90d",
                "for a program that runs one DAG"
            ),
            ("weir token create ada --name grafana --role viewer", "send it as `Authorization: Bearer TOKEN`"),
        ]
    ) { arguments, surroundings in
        let session = try Session.ofAccess(arguments, surroundings)
        let now = Session.now
        guard let name = arguments.value("--name") else {
            throw arguments.usage("--name is missing; say what the token is for: --name NAME")
        }
        let role = try arguments.word("--role", Role.self)
        let expiresAt = try expiry(arguments, now)
        let dags = arguments.all("--dag")
        let access = try session.access()
        let made = try accessing { () throws(AccessError) in
            try access.createToken(
                user: arguments.required(0), name: name, role: role, dags: dags.isEmpty ? nil : dags,
                expiresAt: expiresAt, by: Session.accessActor, now: now)
        }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            AccessJSON.write(made.token, text: made.text, now: now, to: &writer)
            session.terminal.print(writer.text)
        } else {
            session.terminal.print(made.text)
            session.terminal.error("this is shown once; `weir token revoke \(made.token.id)` ends it")
        }
        return .done
    }

    private static func expiry(_ arguments: Arguments, _ now: Instant) throws(CommandFailure) -> Instant? {
        guard let text = arguments.value("--expires") else { return nil }
        guard let age = TimeAmount(parsing: text), age > .zero else {
            throw arguments.usage("--expires is '\(text)'; it must be a length of time such as 90d")
        }
        return now + age
    }

    private static let list = CommandSpec(
        name: "token list", summary: "list the tokens, without their secrets", options: [CommandSpec.json],
        examples: [("weir token list", "each with its user, role, DAGs, end and last use")]
    ) { arguments, surroundings in
        let session = try Session.ofAccess(arguments, surroundings)
        let now = Session.now
        let access = try session.existingAccess()
        let tokens = try accessing { () throws(AccessError) in try access?.tokens() } ?? []
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for token in tokens { AccessJSON.write(token, now: now, to: &writer) }
            }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("ID", "USER", "NAME", "ROLE", "DAGS", "STATE", "LAST USE")
        for token in tokens {
            table.rows.append([
                token.id, token.user, token.name, token.role?.rawValue ?? "its user's",
                token.dags?.joined(separator: " ") ?? "all", state(token, now),
                token.lastUsedAt.map { "\($0.seconds)" } ?? "never",
            ])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    private static func state(_ token: AccessToken, _ now: Instant) -> String {
        if token.revokedAt != nil { return "revoked" }
        guard let end = token.expiresAt else { return "valid" }
        return end <= now ? "expired" : "until \(end.seconds)"
    }

    private static let revoke = CommandSpec(
        name: "token revoke", summary: "end a token for good, at once",
        positionals: [.init(name: "TOKEN", values: .token, help: "its id, the part between the underscores")],
        examples: [("weir token revoke 3f9a0c51b2e7", "an id of `weir token list`")]
    ) { arguments, surroundings in
        let session = try Session.ofAccess(arguments, surroundings)
        let id = arguments.required(0)
        let access = try session.access()
        try accessing { () throws(AccessError) in
            try access.revokeToken(id, by: Session.accessActor, now: Session.now)
        }
        session.terminal.print("token \(id) is revoked")
        return .done
    }
}
