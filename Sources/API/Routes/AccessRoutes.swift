import Access
import HTTPServer
import JSONText
import SchedulerCore

/// Users, their tokens and what was changed of them. What `weir user` and `weir token` check is checked by the same code.
extension SignIn {
    private static let user = "/api/v1/users/{name}"
    private static let done = Route.Answer.json(.object([.required("done", .boolean)]))

    var accessRoutes: [Route] {
        let (store, now) = (store, now)
        return [
            Route(
                method: .get, path: "/api/v1/users", name: "list_users", summary: "the users, by name", role: .admin,
                answer: .json(.object([.required("items", .array(.named(AccessJSON.user)))])), lane: .slow
            ) { _ in
                Page.items(try store.users()) { AccessJSON.write($0, to: &$1) }
            },
            Route(
                method: .post, path: "/api/v1/users", name: "add_user", summary: "make a user", role: .admin,
                body: [
                    .required("name", .string()), .required("password", .string()),
                    .optional("role", .words(of: Role.self), "viewer without"),
                ], answer: Self.done, failures: [409, 422], lane: .slow
            ) { request in
                try request.mayChange(nil)
                var body = try BodyReader(request.http.body)
                let name = try body.required(body.string("name"), "name")
                let password = try body.required(body.string("password"), "password")
                let role = try body.word("role", Role.self) ?? .viewer
                try body.end()
                try store.addUser(name, role: role, password: password, by: request.caller.name, now: now())
                return Self.isDone
            },
            change(
                .put, Self.user + "/role", "set_role", "give a user another role",
                [.required("role", .words(of: Role.self))]
            ) {
                name, body, actor in
                let role = try body.required(body.word("role", Role.self), "role")
                try body.end()
                try store.setRole(name, to: role, by: actor, now: now())
            },
            change(
                .put, Self.user + "/disabled", "set_disabled", "shut a user out at once, or let the user in again",
                [.required("disabled", .boolean)]
            ) { name, body, actor in
                let isDisabled = try body.required(body.bool("disabled"), "disabled")
                try body.end()
                try store.setDisabled(name, to: isDisabled, by: actor, now: now())
            },
            change(
                .put, Self.user + "/password", "set_password", "set another password, and end the user's sessions",
                [.required("password", .string())]
            ) { name, body, actor in
                let password = try body.required(body.string("password"), "password")
                try body.end()
                try store.setPassword(name, to: password, by: actor, now: now())
            },
            change(.delete, Self.user, "remove_user", "remove a user with all sessions and tokens", nil) {
                name, body, actor in
                try body.end()
                try store.removeUser(name, by: actor, now: now())
            },
            Route(
                method: .put, path: "/api/v1/session/password", name: "change_password",
                summary: "another password for who is signed in; all sessions end", role: .viewer,
                body: [.required("password", .string(), "the one that holds"), .required("new_password", .string())],
                answer: Self.done, failures: [409, 422], lane: .slow
            ) { request in
                var body = try BodyReader(request.http.body)
                let password = try body.required(body.string("password"), "password")
                let new = try body.required(body.string("new_password"), "new_password")
                try body.end()
                guard request.caller.token == nil else {
                    throw Problem(403, "a token changes no password; sign in with the one that holds")
                }
                // A session that somebody left open does not do.
                let name = request.caller.name
                switch store.signIn(name: name, password: password, address: request.http.client ?? "", now: now()) {
                case .failure: throw Problem(409, "the password is wrong", code: .conflict)
                case .success: try store.setPassword(name, to: new, by: name, now: now())
                }
                return Self.isDone
            },
            Route(
                method: .get, path: "/api/v1/tokens", name: "list_tokens",
                summary: "the tokens of who asks; an admin sees those of everybody", role: .viewer,
                query: [.optional("user", .string(), "only those of this user")],
                answer: .json(.object([.required("items", .array(.named(AccessJSON.token)))])), lane: .slow
            ) { request in
                let own = request.caller.role >= .admin ? request.text("user") : request.caller.name
                let time = now()
                return Page.items(try store.tokens(of: own)) { AccessJSON.write($0, now: time, to: &$1) }
            },
            Route(
                method: .post, path: "/api/v1/tokens", name: "create_token",
                summary: "make a token; its text is told this once", role: .viewer,
                body: [
                    .required("name", .string(), "what it is for"),
                    .optional("user", .string(), "whose it is; for an admin. Who asks, without"),
                    .optional("role", .words(of: Role.self), "at most that of its user and of who asks"),
                    .optional("dags", .array(.string()), "the only DAGs that it may change; all without"),
                    .optional("expires", .instant, "never without"),
                ], answer: .json(.named(AccessJSON.newToken)), failures: [404, 422], lane: .slow
            ) { request in try Self.create(request, store, now()) },
            Route(
                method: .delete, path: "/api/v1/tokens/{id}", name: "revoke_token",
                summary: "end a token for good, at once",
                role: .viewer, answer: Self.done, lane: .slow
            ) { request in
                let isAdmin = request.caller.role >= .admin && request.caller.dags == nil
                let own = isAdmin ? nil : request.caller.name
                // A token that was made for little must not end one that was made for more.
                if let token = request.caller.token, token != request.path("id"), !isAdmin {
                    throw Problem(403, "a token ends itself only; sign in to end others")
                }
                try store.revokeToken(request.path("id"), of: own, by: request.caller.name, now: now())
                return Self.isDone
            },
            Route(
                method: .get, path: "/api/v1/access-audit", name: "list_access_audit",
                summary: "changes of users and tokens, and sign-ins, newest first", role: .admin,
                query: [Page.limit, Page.numberCursor], answer: .json(Page.schema(AccessJSON.entry)), lane: .slow
            ) { request in
                let limit = request.limit
                let found = try store.audit(limit: limit + 1, before: try request.numberCursor())
                return Page.answer(found, limit: limit, cursor: { "\($0.id)" }) { AccessJSON.write($0, to: &$1) }
            },
        ]
    }

    private static let isDone = HTTPResponse.json(Array(#"{"done":true}"#.utf8))

    /// A token reaches no further than who makes it.
    private static func create(_ request: APIRequest, _ store: AccessStore, _ now: Instant) throws -> HTTPResponse {
        var body = try BodyReader(request.http.body)
        let label = try body.required(body.string("name"), "name")
        let user = try body.string("user") ?? request.caller.name
        let role = try body.word("role", Role.self)
        let dags = try body.strings("dags")
        let wanted = try body.instant("expires")
        try body.end()
        let caller = request.caller
        guard user == caller.name || caller.role >= .admin && caller.dags == nil else {
            throw Problem(403, "only an admin makes tokens of others")
        }
        if let role, role > caller.role {
            throw Problem(403, "'\(caller.name)' is \(caller.role.rawValue), and so may the token be at most")
        }
        if let limit = caller.dags, let wrong = dags?.first(where: { !limit.contains($0) }) {
            try request.mayChange(wrong)
        }
        let expires = try limited(wanted, caller, store)
        // Without a role of its own it would get its user's, which may be more than a token that asks has.
        let made = try store.createToken(
            user: user, name: label, role: role ?? (user == caller.name ? caller.role : nil),
            dags: dags ?? caller.dags?.sorted(), expiresAt: expires, by: caller.name, now: now)
        return .json { AccessJSON.write(made.token, text: made.text, now: now, to: &$0) }
    }

    /// When a token ends that this caller makes: not later than the one that was asked with.
    private static func limited(_ wanted: Instant?, _ caller: Caller, _ store: AccessStore) throws -> Instant? {
        guard let id = caller.token,
            let end = try store.tokens(of: caller.name).first(where: { $0.id == id })?.expiresAt
        else { return wanted }
        guard wanted ?? end <= end else {
            throw Problem(403, "the token that asks ends at \(end), and so may this one at the latest")
        }
        return wanted ?? end
    }

    private func change(
        _ method: Route.Method, _ path: String, _ name: String, _ summary: String, _ fields: [Field]?,
        _ work: @escaping @Sendable (_ user: String, _ body: inout BodyReader, _ actor: String) throws -> Void
    ) -> Route {
        Route(
            method: method, path: path, name: name, summary: summary, role: .admin, body: fields, answer: Self.done,
            failures: [409, 422], lane: .slow
        ) { request in
            // Users belong to no single DAG.
            try request.mayChange(nil)
            var body = try BodyReader(request.http.body)
            try work(request.path("name"), &body, request.caller.name)
            return Self.isDone
        }
    }
}
