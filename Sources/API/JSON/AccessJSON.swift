import Access
import JSONText
import SchedulerCore

/// Users, tokens and what was changed of them, as JSON.
public enum AccessJSON {
    public static func write(_ user: AccessUser, to writer: inout JSONWriter) {
        writer.object {
            $0.member("name", user.name)
            $0.member("role", user.role.rawValue)
            $0.member("disabled", user.isDisabled)
            $0.member("created", "\(user.createdAt)")
            $0.member("password_set", "\(user.passwordAt)")
            $0.member("last_sign_in", user.lastSignInAt.map { "\($0)" })
        }
    }

    static let user = NamedSchema(
        name: "User", help: "somebody who may sign in",
        fields: [
            .required("name", .string()), .required("role", .words(of: Role.self)), .required("disabled", .boolean),
            .required("created", .instant), .required("password_set", .instant),
            .required("last_sign_in", .nullable(.instant)),
        ])

    /// - Parameter text: of a token that was just made; it is never told again.
    public static func write(
        _ token: AccessToken, text: String? = nil, now: Instant, to writer: inout JSONWriter
    ) {
        writer.object {
            $0.member("id", token.id)
            $0.member("user", token.user)
            $0.member("name", token.name)
            $0.member("role", token.role?.rawValue)
            $0.key("dags")
            if let dags = token.dags {
                $0.array { writer in for dag in dags { writer.string(dag) } }
            } else {
                $0.null()
            }
            $0.member("valid", !token.isOver(at: now))
            $0.member("created", "\(token.createdAt)")
            $0.member("expires", token.expiresAt.map { "\($0)" })
            $0.member("revoked", token.revokedAt.map { "\($0)" })
            $0.member("last_used", token.lastUsedAt.map { "\($0)" })
            $0.member("last_address", token.lastAddress)
            if let text { $0.member("token", text) }
        }
    }

    private static let tokenFields: [Field] = [
        .required("id", .string(), "no secret"), .required("user", .string()), .required("name", .string()),
        .required("role", .nullable(.words(of: Role.self)), "null: its user's"),
        .required("dags", .nullable(.array(.string())), "the only DAGs that it may change; null: all"),
        .required("valid", .boolean), .required("created", .instant), .required("expires", .nullable(.instant)),
        .required("revoked", .nullable(.instant)), .required("last_used", .nullable(.instant)),
        .required("last_address", .nullable(.string())),
    ]
    static let token = NamedSchema(name: "Token", help: "an API token, without its text", fields: tokenFields)
    static let newToken = NamedSchema(
        name: "NewToken", help: "a token that was just made",
        fields: tokenFields + [.required("token", .string(), "what to send; it is told this once")])

    public static func write(_ entry: AccessAuditEntry, to writer: inout JSONWriter) {
        writer.object {
            $0.member("id", entry.id)
            $0.member("at", "\(entry.at)")
            $0.member("actor", entry.actor)
            $0.member("action", entry.action)
            $0.member("subject", entry.subject)
            $0.member("details", entry.details)
        }
    }

    static let entry = NamedSchema(
        name: "AccessAuditEntry", help: "a change of users or tokens, or a sign-in",
        fields: [
            .required("id", .integer()), .required("at", .instant), .required("actor", .string()),
            .required("action", .string()), .required("subject", .string()), .required("details", .string()),
        ])
}
