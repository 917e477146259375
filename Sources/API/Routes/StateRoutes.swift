import Access
import HTTPServer
import JSONText
import SchedulerCore
import Store

/// Backfills, pools, errors in DAG files, the audit log.
extension APIService.Data {
    var stateRoutes: [Route] {
        let readers = readers
        return [
            Route(
                method: .get, path: "/api/v1/backfills", name: "list_backfills", summary: "backfills, newest first",
                role: .viewer, query: [.optional("dag_id", .string()), Page.limit, Page.numberCursor],
                answer: .json(Page.schema(BackfillJSON.schema))
            ) { request in
                let (limit, before) = (request.limit, try request.numberCursor())
                let found = try readers.read {
                    try $0.backfills(dag: request.text("dag_id"), before: before, limit: limit + 1)
                }
                return Page.answer(found, limit: limit, cursor: { "\($0.backfill.id)" }) {
                    BackfillJSON.write($0, to: &$1)
                }
            },
            Route(
                method: .get, path: "/api/v1/backfills/{id}", name: "get_backfill",
                summary: "a backfill and its progress",
                role: .viewer, parameters: ["id": .integer(1...Int64.max)], answer: .json(.named(BackfillJSON.schema))
            ) { request in
                let id = try request.number("id", of: "a backfill")
                guard let found = try readers.read({ try $0.backfill(id) }) else {
                    throw Problem.notFound("there is no backfill \(id)")
                }
                return .json { BackfillJSON.write(found, to: &$0) }
            },
            Route(
                method: .get, path: "/api/v1/pools", name: "list_pools",
                summary: "pools that somebody has set, by name",
                role: .viewer, answer: .json(.object([.required("items", .array(.named(PoolJSON.schema)))]))
            ) { _ in
                Page.items(try readers.read { try $0.pools() }) { PoolJSON.write($0, to: &$1) }
            },
            Route(
                method: .get, path: "/api/v1/dag-errors", name: "list_dag_errors",
                summary: "files of the DAG folder that are in error", role: .viewer,
                answer: .json(.object([.required("items", .array(.named(FileErrorsJSON.schema)))]))
            ) { _ in
                let found = try readers.read { try $0.fileErrors() }
                return Page.items(found) { FileErrorsJSON.write($0.file, $0.errors, since: $0.since, to: &$1) }
            },
            Route(
                method: .get, path: "/api/v1/audit", name: "list_audit", summary: "what people did, newest first",
                role: .admin, query: [Page.limit, Page.numberCursor], answer: .json(Page.schema(AuditJSON.schema))
            ) { request in
                let (limit, before) = (request.limit, try request.numberCursor())
                let found = try readers.read { try $0.auditLog(before: before, limit: limit + 1) }
                return Page.answer(found, limit: limit, cursor: { "\($0.id)" }) { AuditJSON.write($0.entry, to: &$1) }
            },
        ]
    }
}
