import Access
import JSONText

/// The OpenAPI 3.1 document of a list of routes (https://spec.openapis.org/oas/v3.1.0).
enum OpenAPI {
    /// - Parameter hasSignIn: whether a request needs a token or a session now; it does as soon as there is a user.
    static func document(_ routes: [Route], version: String, hasSignIn: Bool) -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("openapi", "3.1.0")
            $0.key("info")
            $0.object {
                $0.member("title", "Weir")
                $0.member("version", version)
                $0.member("description", "DAGs, runs, tasks and the lake of one Weir. Times are RFC 3339 in UTC.")
            }
            $0.key("paths")
            $0.object { writer in
                var paths: [String] = []
                for route in routes where !paths.contains(route.path) { paths.append(route.path) }
                for path in paths {
                    writer.key(path)
                    writer.object { writer in
                        for route in routes where route.path == path {
                            writer.key(route.method.rawValue.lowercased())
                            write(route, hasSignIn, to: &writer)
                        }
                    }
                }
            }
            $0.key("components")
            $0.object {
                $0.key("securitySchemes")
                $0.object {
                    $0.key("token")
                    $0.object {
                        $0.member("type", "http")
                        $0.member("scheme", "bearer")
                    }
                    $0.key("session")
                    $0.object {
                        $0.member("type", "apiKey")
                        $0.member("in", "cookie")
                        $0.member("name", SignIn.cookie)
                        $0.member(
                            "description", "with the header \(SignIn.csrfHeader) for every method but GET and HEAD")
                    }
                }
                $0.key("schemas")
                $0.object { writer in
                    var found: [String: NamedSchema] = [:]
                    Schema.named(Problem.schema).collect(into: &found)
                    for route in routes {
                        for schema in route.answer.schemas { schema.collect(into: &found) }
                        for field in (route.body ?? []) + route.query { field.schema.collect(into: &found) }
                    }
                    for (name, named) in found.sorted(by: { $0.key < $1.key }) {
                        writer.key(name)
                        writer.object {
                            $0.member("description", named.help)
                            named.schema.writeMembers(to: &$0)
                        }
                    }
                }
            }
        }
        return writer.bytes
    }

    private static func write(_ route: Route, _ hasSignIn: Bool, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("operationId", route.name)
            writer.member("summary", route.summary)
            if let role = route.role {
                writer.member("description", "for the role \(role.rawValue) and above")
                writer.key("security")
                writer.array {
                    if !hasSignIn { $0.object { _ in } }
                    $0.object { $0.member("token", [String]()) }
                    $0.object { $0.member("session", [String]()) }
                }
            }
            writer.key("parameters")
            writer.array { writer in
                for name in route.placeholders {
                    parameter(name, "path", true, route.parameters[name] ?? .string(), "", &writer)
                }
                for field in route.query {
                    parameter(field.name, "query", field.isRequired, field.schema, field.help, &writer)
                }
                if route.takesKey {
                    parameter(
                        APIRequest.keyHeader, "header", false, .string(pattern: "^[!-~]([ -~]{0,253}[!-~])?$"),
                        "sent again with the same key and body the request is carried out once", &writer)
                }
            }
            if let body = route.body {
                writer.key("requestBody")
                writer.object {
                    $0.member("required", body.contains(where: \.isRequired))
                    $0.key("content")
                    $0.object { content("application/json", .object(body.map(\.orNull)), &$0) }
                }
            }
            writer.key("responses")
            writer.object { writer in
                writer.key("200")
                writer.object {
                    $0.member("description", "as asked")
                    headers(route, &$0)
                    $0.key("content")
                    $0.object { writer in
                        switch route.answer {
                        case .json(let schema): content("application/json", schema, &writer)
                        case .text(let type): content(type, .string(), &writer)
                        case .oneOf(let types): for (type, schema) in types { content(type, schema, &writer) }
                        }
                    }
                }
                if route.isStable {
                    writer.key("304")
                    writer.object { $0.member("description", "as If-None-Match says") }
                }
                for status in Set(route.failures + route.usualFailures).sorted() {
                    writer.key("\(status)")
                    writer.object {
                        $0.member("description", Problem.titles[status] ?? "")
                        $0.key("content")
                        $0.object { content("application/problem+json", .named(Problem.schema), &$0) }
                    }
                }
            }
        }
    }

    private static func headers(_ route: Route, _ writer: inout JSONWriter) {
        var headers = route.headers
        if route.isStable { headers.append(("ETag", "for If-None-Match")) }
        if route.takesKey {
            headers.append(("Idempotency-Replayed", "true: this is the answer to an earlier request of the same key"))
        }
        guard !headers.isEmpty else { return }
        writer.key("headers")
        writer.object { writer in
            for (name, help) in headers {
                writer.key(name)
                writer.object {
                    $0.member("description", help)
                    $0.key("schema")
                    Schema.string().write(to: &$0)
                }
            }
        }
    }

    private static func parameter(
        _ name: String, _ place: String, _ isRequired: Bool, _ schema: Schema, _ help: String,
        _ writer: inout JSONWriter
    ) {
        writer.object {
            $0.member("name", name)
            $0.member("in", place)
            $0.member("required", isRequired)
            if !help.isEmpty { $0.member("description", help) }
            $0.key("schema")
            schema.write(to: &$0)
        }
    }

    private static func content(_ type: String, _ schema: Schema, _ writer: inout JSONWriter) {
        writer.key(type)
        writer.object {
            $0.key("schema")
            schema.write(to: &$0)
        }
    }
}

extension Field {
    /// As a member of a body: null counts as left out.
    fileprivate var orNull: Field {
        guard !isRequired else { return self }
        var field = self
        field.schema = .nullable(schema)
        return field
    }
}

extension Route {
    /// Whether an `Idempotency-Key` is kept.
    fileprivate var takesKey: Bool { once == .kept && method == .post }

    /// What any route of this kind may answer.
    var usualFailures: [Int] {
        var all = [400, 429]
        if role != nil { all += [401, 403, 503] }
        if method != .get { all += [413, 415] }
        if takesKey { all += [409, 422] }
        if !placeholders.isEmpty { all.append(404) }
        return all
    }
}

extension Route.Answer {
    var schemas: [Schema] {
        switch self {
        case .json(let schema): [schema]
        case .text: []
        case .oneOf(let types): types.map(\.schema)
        }
    }
}
