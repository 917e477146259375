import Access
import HTTPServer
import JSONText
import Lake
import SchedulerCore

/// The lake: tables, partitions, rows, and the quality of days.
extension APIService.Data {
    private static let most = 100_000

    var lakeRoutes: [Route] {
        let (lake, query) = (lake, query)
        let table = "/api/v1/lake/tables/{table}"
        return [
            Route(
                method: .get, path: "/api/v1/lake/tables", name: "list_tables",
                summary: "the tables of the lake, by name",
                role: .viewer, answer: .json(.object([.required("items", .array(.named(TableJSON.schema)))])),
                lane: .slow, isStable: true
            ) { _ in
                Page.items(lake.isThere ? try query.catalogue().tables : []) { TableJSON.write($0, to: &$1) }
            },
            Route(
                method: .get, path: table, name: "get_table",
                summary: "a table and its columns; `plate`, or `lakestorage%2Fplate`", role: .viewer,
                answer: .json(.named(TableJSON.columnsSchema)), failures: [422], lane: .slow, isStable: true
            ) { request in
                let table = try Self.table(request, lake, query)
                return .json { TableJSON.writeWithColumns(table, to: &$0) }
            },
            Route(
                method: .get, path: table + "/partitions", name: "list_partitions", summary: "the days of a table",
                role: .viewer, query: [.optional("from", .day), .optional("to", .day)],
                answer: .json(.object([.required("items", .array(.named(PartitionJSON.schema)))])), failures: [422],
                lane: .slow, isStable: true
            ) { request in
                let days = try Self.table(request, lake, query).partitions(
                    from: request.text("from"), to: request.text("to"))
                return Page.items(days) { PartitionJSON.write($0, to: &$1) }
            },
            Route(
                method: .get, path: table + "/partitions/{day}/lineage", name: "get_lineage",
                summary: "what a day of a table was made from, down to the raw data", role: .viewer,
                parameters: ["day": .day], answer: .json(.named(LineageJSON.schema)), failures: [422], lane: .slow
            ) { request in
                let table = try Self.table(request, lake, query)
                let lineage = try Lineage(of: table.partition(request.path("day")), in: lake)
                return .json { LineageJSON.write(lineage, to: &$0) }
            },
            Route(
                method: .get, path: table + "/rows", name: "list_rows", summary: "rows of a table", role: .viewer,
                query: [
                    .optional(
                        "where", .array(.string()),
                        "a condition, such as `country=Germany`, `Confidence >= 90`, `color in (red,'dark blue')`, "
                            + "`frame_id between 1 and 9`, `plateText like A%`, `country is null`; may be repeated: all hold"
                    ),
                    .optional("columns", .string(), "names with commas between; all of them without"),
                    .optional("order", .array(.string()), "a column, or -column for falling order; may be repeated"),
                    .optional("from", .day), .optional("to", .day), .optional("limit", .integer(0...Int64(Self.most))),
                    .optional("offset", .integer(0...1_000_000_000_000)),
                    .optional(
                        "count", .boolean,
                        "equal rows once, with their number as `count`, the most frequent first; without `order`"),
                    .optional("format", .words(["json", "csv", "parquet"])),
                ], answer: Self.rowsAnswer, failures: [422], lane: .background, headers: Self.more
            ) { request in
                var wanted = LakeQuery(table: request.path("table"))
                wanted.filters = try request.texts("where").map { try QueryFilter(parsing: $0) }
                wanted.order = request.texts("order").map(LakeQuery.Order.init(parsing:))
                if let columns = request.text("columns") {
                    wanted.columns = columns.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                }
                wanted.counts = request.bool("count")
                (wanted.bounds.from, wanted.bounds.to) = (request.text("from"), request.text("to"))
                wanted.bounds.limit = request.integer("limit") ?? 100
                wanted.bounds.offset = request.integer("offset") ?? 0
                return try Self.answer(.table(wanted), request.text("format") ?? "json", lake, query)
            },
            Route(
                method: .post, path: "/api/v1/lake/query", name: "query",
                summary: "rows of a table by its name, filters and a limit", role: .viewer,
                body: [
                    .required("table_name", .string()),
                    .optional(
                        "filters", Self.filtersSchema,
                        "{column: value, …}, each equal, null for no value and a list for one of several; "
                            + "or a list of conditions such as \"Confidence >= 90\""),
                    .optional("columns", .array(.string())), .optional("order", .array(.string()), "-column: falling"),
                    .optional("from", .day), .optional("to", .day), .optional("limit", .integer(0...Int64(Self.most))),
                    .optional("offset", .integer(0...1_000_000_000_000)),
                    .optional("format", .words(["json", "csv", "parquet"])),
                ], answer: Self.rowsAnswer, failures: [404, 422], lane: .background, headers: Self.more,
                once: .reads
            ) { request in
                var body = try BodyReader(request.http.body)
                var wanted = LakeQuery(table: try body.required(body.string("table_name"), "table_name"))
                wanted.filters = try Self.filters(try body.node("filters"))
                wanted.columns = try body.strings("columns") ?? []
                wanted.order = try (body.strings("order") ?? []).map(LakeQuery.Order.init(parsing:))
                wanted.bounds.from = try body.day("from")
                wanted.bounds.to = try body.day("to")
                wanted.bounds.limit = try body.integer("limit", in: 0...Self.most) ?? 100
                wanted.bounds.offset = try body.integer("offset", in: 0...1_000_000_000_000) ?? 0
                let format = try body.word("format", of: ["json", "csv", "parquet"]) ?? "json"
                try body.end()
                return try Self.answer(.table(wanted), format, lake, query)
            },
        ]
    }

    private static let filtersSchema: Schema = {
        let scalar = Schema.anyOf([.string(), .number, .boolean])
        return .anyOf([.map(.nullable(.anyOf([scalar, .array(scalar)]))), .array(.string())])
    }()

    private static let more = [(name: "Weir-Has-More", help: "whether the limit cut it: true or false")]

    private static let rowsAnswer = Route.Answer.oneOf([
        (
            "application/json",
            .object([
                .required("columns", .array(.named(ColumnJSON.schema))), .required("rows", .array(.map(.anything))),
                .required("has_more", .boolean),
            ])
        ), ("text/csv", .string()), ("application/vnd.apache.parquet", .string()),
    ])

    private static func table(_ request: APIRequest, _ lake: LakeRoot, _ query: QueryService) throws -> LakeTable {
        guard lake.isThere else { throw Problem.notFound("there is no lake yet") }
        return try query.catalogue().table(request.path("table"))
    }

    /// As in the original system: an object of columns and values. A list of conditions can say more.
    private static func filters(_ node: JSONNode?) throws -> [QueryFilter] {
        guard let node else { return [] }
        if let conditions = node.array {
            return try conditions.map { condition in
                guard let text = condition.string else {
                    throw BodyError("the body: 'filters' has an entry that is no string such as \"country=Germany\"")
                }
                return try QueryFilter(parsing: text)
            }
        }
        guard let object = node.object else {
            throw BodyError("the body: 'filters' is neither an object of columns and values nor a list of conditions")
        }
        return try object.members.map { member in
            if member.node.isNull { return QueryFilter(member.key, .isNull) }
            if let values = member.node.array {
                guard !values.isEmpty else {
                    throw Problem.invalid("the list of '\(member.key)' in 'filters' is empty")
                }
                return QueryFilter(member.key, .oneOf(try values.map { try text($0, member.key) }))
            }
            return QueryFilter(member.key, .compare(.equal, try text(member.node, member.key)))
        }
    }

    private static func text(_ node: JSONNode, _ column: String) throws -> String {
        if let text = node.string { return text }
        if let flag = node.bool { return flag ? "true" : "false" }
        if node.double != nil {
            var writer = JSONWriter()
            writer.node(node)
            return writer.text
        }
        throw BodyError("the body: the filter of '\(column)' is neither a text, a number, true, false, null nor a list")
    }

    private static func answer(
        _ question: QueryRunner.Question, _ format: String, _ lake: LakeRoot,
        _ query: QueryService
    ) throws -> HTTPResponse {
        guard lake.isThere else { throw Problem.notFound("there is no lake yet") }
        let form: QueryRunner.Form = format == "csv" ? .csv : format == "parquet" ? .parquet : .values
        let answer = try query.answer(question, form)
        let more = ("Weir-Has-More", answer.hasMore ? "true" : "false")
        if let (descriptor, size) = try answer.duplicatedFile() {
            let type = format == "csv" ? "text/csv; charset=utf-8; header=present" : "application/vnd.apache.parquet"
            var response = HTTPResponse(headers: [("Content-Type", type), more])
            response.file = HTTPFile(owning: descriptor, size: size)
            return response
        }
        return .json {
            $0.object { writer in
                writer.key("columns")
                writer.array { writer in for column in answer.columns { ColumnJSON.write(column, to: &writer) } }
                writer.key("rows")
                writer.array { writer in
                    for row in answer.rows {
                        writer.object {
                            for (column, value) in zip(answer.columns, row) { $0.member(column.name, value) }
                        }
                    }
                }
                writer.member("has_more", answer.hasMore)
            }
        }
    }
}
