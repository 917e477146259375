import HTTPServer
import JSONText
import SchedulerCore
import Store

/// One part of a list, and where the next one begins.
enum Page {
    /// Most items of one answer.
    static let most = 1000
    static let usual = 100

    static let limit = Field.optional("limit", .integer(1...Int64(most)), "at most so many (100)")
    static let fields = [limit, cursor(.string())]
    static let numberCursor = cursor(.string(pattern: "^[0-9]{1,18}$"))
    static let runCursor = cursor(.string(pattern: #"^(-?[a-z_]{1,20}:)?-?[0-9]{1,18}\.[0-9]{1,18}$"#))
    static let taskCursor = cursor(.string(pattern: #"^-?[0-9]{1,18}\.[0-9]{1,18}$"#))

    /// - Parameter columns: the first one is the usual order, falling.
    static func sort(_ columns: [String]) -> Field {
        .optional(
            "sort", .words(columns.flatMap { ["-" + $0, $0] }), "the order; - for falling (-\(columns.first ?? ""))")
    }

    private static func cursor(_ schema: Schema) -> Field {
        .optional("cursor", schema, "`next_cursor` of the part before")
    }

    static func schema(_ item: NamedSchema) -> Schema {
        .object([
            .required("items", .array(.named(item))),
            .required("next_cursor", .nullable(.string()), "for the next part; null when there is none"),
        ])
    }

    /// All of a list that is short.
    static func items<Item>(_ items: [Item], _ write: (Item, inout JSONWriter) -> Void) -> HTTPResponse {
        return .json {
            $0.object { writer in
                writer.key("items")
                writer.array { writer in for item in items { write(item, &writer) } }
            }
        }
    }

    /// - Parameters:
    ///   - found: one more than the limit, when there are more.
    ///   - cursor: where the part after an item begins.
    static func answer<Item>(
        _ found: [Item], limit: Int, cursor: (Item) -> String, _ write: (Item, inout JSONWriter) -> Void
    ) -> HTTPResponse {
        var writer = JSONWriter()
        let items = found.prefix(limit)
        writer.object { writer in
            writer.key("items")
            writer.array { writer in for item in items { write(item, &writer) } }
            writer.member("next_cursor", found.count > limit ? items.last.map(cursor) : nil)
        }
        return .json(writer.bytes)
    }
}

extension APIRequest {
    /// How many items are wanted.
    var limit: Int { integer("limit") ?? Page.usual }

    private var cursor: String? { text("cursor") }

    private var badCursor: Problem {
        Problem(400, "the parameter 'cursor' is '\(cursor ?? "")', which no answer has given", code: .invalid)
    }

    func textCursor() -> String? { cursor }

    func numberCursor() throws(Problem) -> Int64? {
        guard let cursor else { return nil }
        guard let number = Int64(cursor) else { throw badCursor }
        return number
    }

    /// A cursor of another order would leave runs out.
    func runCursor() throws(Problem) -> RunPosition? {
        guard let cursor else { return nil }
        let parts = cursor.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let order = parts.count == 2 ? String(parts[0]) : nil
        guard order == text("sort") else {
            let found = order.map { "sort=\($0)" } ?? "no sort"
            throw Problem.invalid("the parameter 'cursor' is of a list with \(found); give the same for its next part")
        }
        return try pair(String(parts.last ?? "")).map { RunPosition(value: $0, id: $1) }
    }

    func taskCursor() throws(Problem) -> TaskPosition? { try pair(cursor).map { TaskPosition(run: $0, position: $1) } }

    private func pair(_ cursor: String?) throws(Problem) -> (Int64, Int64)? {
        guard let cursor else { return nil }
        let parts = cursor.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let first = parts[0], let second = parts[1] else { throw badCursor }
        return (first, second)
    }
}

extension RunQuery {
    /// Where the part after a run begins.
    ///
    /// - Parameter sort: as it was asked for.
    func cursor(_ run: Run, sort: String? = nil) -> String {
        (sort.map { $0 + ":" } ?? "") + "\(order.value(run)).\(run.id)"
    }
}

extension HTTPResponse {
    /// An answer of JSON.
    static func json(_ write: (inout JSONWriter) -> Void) -> HTTPResponse {
        var writer = JSONWriter()
        write(&writer)
        return .json(writer.bytes)
    }
}
