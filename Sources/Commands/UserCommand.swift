import API
import Access
import Engine
import JSONText
import SchedulerCore

/// `weir user`: who may sign in.
enum UserCommand {
    static let spec = CommandSpec.group(
        "user", "list, add and change the users who may sign in",
        [add, list, password, role, disable, enable, remove, audit])

    private static let named = CommandSpec.Positional(name: "USER", values: .user, help: "the user's name")
    private static let fromInput = CommandSpec.Option.flag(
        "--password-stdin", "read the password from standard input instead of asking for it")

    private static let add = CommandSpec(
        name: "user add", summary: "make a user; the password is asked for",
        positionals: [.init(name: "NAME", help: "a name that is not used yet")],
        options: [
            .value(
                "--role", "ROLE", values: .words(of: Role.self),
                "viewer looks, operator also runs things, admin also manages users; default: viewer"),
            fromInput,
        ],
        examples: [
            ("weir user add ada --role admin", "the first one should be an admin"),
            ("weir user add ci --role operator --password-stdin <password", "without a terminal"),
        ]
    ) { arguments, surroundings in
        let session = try Session.ofAccess(arguments, surroundings)
        let name = arguments.required(0)
        let role = try arguments.word("--role", Role.self) ?? .viewer
        let access = try session.access(creates: true)
        // Before the password is asked for.
        if try accessing({ () throws(AccessError) in try access.users() }).contains(where: { $0.name == name }) {
            throw CommandFailure(.failed, "there is a user '\(name)' already; `weir user passwd` changes the password")
        }
        let password = try session.terminal.newPassword(of: name, fromInput: arguments.has("--password-stdin"))
        try accessing { () throws(AccessError) in
            try access.addUser(name, role: role, password: password, by: Session.accessActor, now: Session.now)
        }
        session.terminal.print("user \(name) may sign in as \(role.rawValue)")
        return .done
    }

    private static let list = CommandSpec(
        name: "user list", summary: "list the users", options: [CommandSpec.json],
        examples: [("weir user list", "each with the role and the last sign-in")]
    ) { arguments, surroundings in
        let session = try Session.ofAccess(arguments, surroundings)
        let access = try session.existingAccess()
        let users = try accessing { () throws(AccessError) in try access?.users() } ?? []
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for user in users { AccessJSON.write(user, to: &writer) }
            }
            session.terminal.print(writer.text)
            return .done
        }
        if users.isEmpty { session.terminal.error("no users yet; `weir user add NAME --role admin` makes the first") }
        var table = Table("USER", "ROLE", "STATE", "LAST SIGN-IN")
        for user in users {
            table.rows.append([
                user.name, user.role.rawValue, user.isDisabled ? "disabled" : "enabled",
                user.lastSignInAt.map { "\($0.seconds)" } ?? "never",
            ])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    private static let password = CommandSpec(
        name: "user passwd", summary: "set another password, and end the user's sessions", positionals: [named],
        options: [fromInput],
        examples: [("weir user passwd ada", "asks for the new one twice; ends a lock-out, too")]
    ) { arguments, surroundings in
        let session = try Session.ofAccess(arguments, surroundings)
        let name = arguments.required(0)
        let access = try session.access()
        try accessing { () throws(AccessError) in try access.requireUser(name) }
        let password = try session.terminal.newPassword(of: name, fromInput: arguments.has("--password-stdin"))
        try accessing { () throws(AccessError) in
            try access.setPassword(name, to: password, by: Session.accessActor, now: Session.now)
        }
        session.terminal.print("user \(name) has a new password")
        return .done
    }

    private static let role = CommandSpec(
        name: "user role", summary: "give a user another role, and end the user's sessions",
        positionals: [named, .init(name: "ROLE", values: .words(of: Role.self), help: "viewer, operator or admin")],
        examples: [("weir user role ada operator", "her tokens may no more than that from now on, either")]
    ) { arguments, surroundings in
        let name = arguments.required(0)
        guard let role = Role(rawValue: arguments.required(1)) else {
            throw arguments.usage("ROLE is '\(arguments.required(1))'; it must be one of viewer, operator, admin")
        }
        return try change(arguments, surroundings, "user \(name) is \(role.rawValue)") { access throws(AccessError) in
            try access.setRole(name, to: role, by: Session.accessActor, now: Session.now)
        }
    }

    private static let disable = CommandSpec(
        name: "user disable", summary: "shut a user out, with sessions and tokens, at once", positionals: [named],
        examples: [("weir user disable ada", "`weir user enable ada` lets her in again")]
    ) { arguments, surroundings in
        let name = arguments.required(0)
        return try change(arguments, surroundings, "user \(name) is disabled") { access throws(AccessError) in
            try access.setDisabled(name, to: true, by: Session.accessActor, now: Session.now)
        }
    }

    private static let enable = CommandSpec(
        name: "user enable", summary: "let a user in again, also one whom failed sign-ins have locked out",
        positionals: [named], examples: [("weir user enable ada", "the password is the one that it was")]
    ) { arguments, surroundings in
        let name = arguments.required(0)
        return try change(arguments, surroundings, "user \(name) is enabled") { access throws(AccessError) in
            try access.setDisabled(name, to: false, by: Session.accessActor, now: Session.now)
        }
    }

    private static let remove = CommandSpec(
        name: "user remove", summary: "remove a user with all sessions and tokens", positionals: [named],
        examples: [("weir user remove ada", "what she did stays in the audit")]
    ) { arguments, surroundings in
        let name = arguments.required(0)
        return try change(arguments, surroundings, "user \(name) is removed") { access throws(AccessError) in
            try access.removeUser(name, by: Session.accessActor, now: Session.now)
        }
    }

    private static let audit = CommandSpec(
        name: "user audit", summary: "list what was changed of users and tokens, and who has signed in, newest first",
        options: [
            .value("--limit", short: "-n", "N", values: .number, "at most so many; default: 50"), CommandSpec.json,
        ],
        examples: [("weir user audit -n 10", "os:NAME is a user of this machine, at the command line")]
    ) { arguments, surroundings in
        let session = try Session.ofAccess(arguments, surroundings)
        let limit = try arguments.integer("--limit", in: 1...100_000) ?? 50
        let access = try session.existingAccess()
        let entries = try accessing { () throws(AccessError) in try access?.audit(limit: limit) } ?? []
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for entry in entries { AccessJSON.write(entry, to: &writer) }
            }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("AT", "ACTOR", "ACTION", "SUBJECT", "DETAILS")
        for entry in entries {
            table.rows.append(["\(entry.at.seconds)", entry.actor, entry.action, entry.subject, entry.details])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    private static func change(
        _ arguments: Arguments, _ surroundings: Surroundings, _ done: String,
        _ body: (AccessStore) throws(AccessError) -> Void
    ) throws(CommandFailure) -> ExitCode {
        let session = try Session.ofAccess(arguments, surroundings)
        let access = try session.access()
        try accessing { () throws(AccessError) in try body(access) }
        session.terminal.print(done)
        return .done
    }
}
