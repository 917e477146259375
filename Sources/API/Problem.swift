import Access
import Engine
import HTTPServer
import JSONText
import SchedulerCore
import Store

/// Why a request is not answered as it was asked: a problem document (RFC 9457).
struct Problem: Error, Hashable {
    var status: Int
    var detail: String
    /// What the command line goes by.
    var code: CommandError.Code?

    init(_ status: Int, _ detail: String, code: CommandError.Code? = nil) {
        self.status = status
        self.detail = detail
        self.code = code
    }

    static func notFound(_ detail: String) -> Problem { Problem(404, detail, code: .notFound) }
    static func invalid(_ detail: String) -> Problem { Problem(422, detail, code: .invalid) }

    init(_ error: CommandError) {
        let status =
            switch error.code {
            case .notFound: 404
            case .invalid: 422
            case .conflict: 409
            case .unavailable, .stopping: 503
            }
        self.init(status, error.message, code: error.code)
    }

    init(_ error: AccessError) {
        switch error.code {
        case .notFound: self.init(404, error.message, code: .notFound)
        case .exists, .lastAdmin: self.init(409, error.message, code: .conflict)
        case .invalid: self.init(422, error.message, code: .invalid)
        case .busy: self.init(503, error.message, code: .unavailable)
        case .store: self.init(500, error.message)
        }
    }

    init(_ error: StoreError) {
        switch error.code {
        // Not a fault of the server: nothing has run here yet, or it is being changed at this moment.
        case .missing, .busy, .fenced: self.init(503, error.message, code: .unavailable)
        default: self.init(500, error.message)
        }
    }

    var response: HTTPResponse {
        var writer = JSONWriter()
        writer.object {
            $0.member("status", status)
            $0.member("title", Self.titles[status] ?? "Error")
            $0.member("detail", detail)
            if let code { $0.member("code", code.rawValue) }
        }
        var response = HTTPResponse(
            status: status, headers: [("Content-Type", "application/problem+json")], body: writer.bytes)
        if status == 503 { response.headers.append(("Retry-After", "1")) }
        if status == 401 { response.headers.append(("WWW-Authenticate", "Bearer realm=\"weir\"")) }
        return response
    }

    /// The phrases of RFC 9110.
    static let titles = [
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        409: "Conflict", 413: "Content Too Large", 415: "Unsupported Media Type", 416: "Range Not Satisfiable",
        422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error",
        503: "Service Unavailable",
    ]

    static let schema = NamedSchema(
        name: "Problem", help: "what is wrong (RFC 9457)",
        fields: [
            .required("status", .integer()), .required("title", .string()),
            .required("detail", .string(), "for a person"),
            .optional("code", .string(), "for a program"),
        ])
}
