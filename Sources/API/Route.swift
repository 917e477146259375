import Access
import HTTPServer
import JSONText
import SchedulerCore

/// One thing that the API can do: how it is asked for, by whom, and what it answers. The router and the OpenAPI document are
/// made of it, so that neither knows a route that the other does not.
struct Route: Sendable {
    enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

    enum Once: Sendable {
        /// The request is carried out once for a key.
        case kept
        /// It only reads: how often does not matter.
        case reads
        /// A key would promise what is not kept.
        case refused
    }

    /// What an answer is made of.
    enum Answer: Sendable {
        /// JSON of this form.
        case json(Schema)
        /// Anything else, with its media type.
        case text(String)
        /// One of several media types, as the request chooses.
        case oneOf([(type: String, schema: Schema)])
    }

    var method: Method
    /// With the places of parameters in braces.
    var path: String
    /// The operation's name for programs that are generated from the document.
    var name: String
    var summary: String
    /// Nil: everybody, without signing in.
    var role: Role?
    var parameters: [String: Schema] = [:]
    var query: [Field] = []
    /// Nil: no body is taken.
    var body: [Field]?
    var answer: Answer
    /// What it may answer beside 200 and what any route may.
    var failures: [Int] = []
    var lane = Router.Lane.quick
    /// Whether the answer rarely changes: it has an ETag then, and who has it already is told so.
    var isStable = false
    /// Headers of its answer, beside those of HTTP, with what they tell.
    var headers: [(name: String, help: String)] = []
    /// What becomes of an `Idempotency-Key`.
    var once = Once.refused
    var handle: @Sendable (APIRequest) throws -> HTTPResponse

    /// The names of the path's parameters, in their order.
    var placeholders: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}

/// A request that was let in, and whose query has the form that its route says.
struct APIRequest {
    let http: HTTPRequest
    let caller: Caller
    /// Whether the caller may still come in, for answers that go on for long.
    let isLetIn: @Sendable () -> Bool
    private let values: [String: [String]]

    /// - Throws: ``Problem`` or ``BodyError`` when the request is not as the route says.
    init(
        _ http: HTTPRequest, _ caller: Caller, _ route: Route, isLetIn: @escaping @Sendable () -> Bool = { true }
    ) throws {
        self.http = http
        self.caller = caller
        self.isLetIn = isLetIn
        if route.method != .get, !http.body.isEmpty {
            let type = http.header("Content-Type")?.prefix { $0 != ";" } ?? "application/json"
            guard type.lowercased() == "application/json" else {
                throw Problem(415, "the body must be application/json, not '\(type)'", code: .invalid)
            }
            // Where nothing can be said a `dry_run` must not be passed over.
            if route.body == nil {
                let body = try BodyReader(http.body)
                try body.end()
            }
        }
        if route.once == .refused, route.method != .get, http.header(Self.keyHeader) != nil {
            throw Problem(
                400, "this request takes no \(Self.keyHeader): sent again it would be carried out again", code: .invalid
            )
        }
        var values: [String: [String]] = [:]
        for (name, value) in http.query {
            guard let field = route.query.first(where: { $0.name == name }) else {
                let near = nearestName(to: name, among: route.query.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
                throw Problem(400, "there is no parameter '\(name)' here\(near)", code: .invalid)
            }
            var isList = false
            if case .array = field.schema { isList = true }
            guard isList || values[name] == nil else {
                throw Problem(400, "the parameter '\(name)' is given twice", code: .invalid)
            }
            if let wanted = field.schema.refusal(of: value) {
                throw Problem(400, "the parameter '\(name)' is '\(value)'; it must be \(wanted)", code: .invalid)
            }
            values[name, default: []].append(value)
        }
        if let missing = route.query.first(where: { $0.isRequired && values[$0.name] == nil }) {
            throw Problem(400, "the parameter '\(missing.name)' is missing", code: .invalid)
        }
        self.values = values
    }

    /// A part of the path; the route has one of this name.
    func path(_ name: String) -> String { http.parameters[name] ?? "" }

    func text(_ name: String) -> String? { values[name]?.first }
    func texts(_ name: String) -> [String] { values[name] ?? [] }
    func integer(_ name: String) -> Int? { text(name).flatMap { Int($0) } }
    func bool(_ name: String) -> Bool { text(name) == "true" }
    func instant(_ name: String) -> Instant? { text(name).flatMap { Instant(rfc3339: $0) } }

    func words<Word: RawRepresentable & Hashable>(_ name: String, _: Word.Type) -> Set<Word>
    where Word.RawValue == String {
        Set(texts(name).compactMap { Word(rawValue: $0) })
    }

    /// A number in the path.
    func number(_ name: String, of what: String) throws(Problem) -> Int64 {
        guard let number = Int64(path(name)) else {
            throw Problem.notFound("'\(path(name))' is no number of \(what)")
        }
        return number
    }

    /// Whether the caller may change this DAG; nil: what belongs to no single DAG, which nobody may who is limited to some.
    func mayChange(_ dag: String?) throws(Problem) {
        guard let dags = caller.dags else { return }
        if let dag, dags.contains(dag) { return }
        let what = dag.map { "DAG '\($0)'" } ?? "what belongs to no single DAG"
        throw Problem(403, "'\(caller.name)' may change \(dags.sorted().joined(separator: ", ")) only, not \(what)")
    }
}

extension Schema {
    /// What a text of a query should be instead; nil when it is right.
    fileprivate func refusal(of text: String) -> String? {
        switch self {
        case .integer(let range):
            let range = range ?? Int64.min...Int64.max
            guard let number = Int64(text), range.contains(number) else {
                return "an integer from \(range.lowerBound) to \(range.upperBound)"
            }
        case .boolean: if text != "true", text != "false" { return "true or false" }
        case .words(let words): if !words.contains(text) { return "one of " + words.joined(separator: ", ") }
        case .string("date-time", _):
            if Instant(rfc3339: text) == nil { return "a time as in RFC 3339, such as 2022-05-02T00:00:00Z" }
        case .string("date", _): if CivilDate(text) == nil { return "a date such as 2022-05-02" }
        case .array(let items): return items.refusal(of: text)
        default: break
        }
        return nil
    }
}
