import JSONText
import Lake

/// `weir lake describe`: the columns of a table, and on which days they changed.
enum LakeDescribeCommand {
    static let spec = CommandSpec(
        name: "lake describe", summary: "show a table's columns, what they mean, and when they changed",
        positionals: [LakeAccess.tableArgument], options: [CommandSpec.json],
        examples: [
            ("weir lake describe plate", "columns with types and meanings; then the days on which they changed"),
            ("weir lake describe ultimatealpr", "a bucket of raw records: what each line of it has"),
        ]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        _ = try access.table(arguments.required(0))
        // Old manifests have no columns; then DuckDB is asked.
        let table = try access.asking { try access.runner().table(arguments.required(0)) }
        if arguments.has("--json") {
            access.session.terminal.print(json(table))
            return .done
        }
        let terminal = access.session.terminal
        terminal.print(table.description.isEmpty ? table.name : "\(table.name): \(table.description)")
        terminal.print("")
        var output = Table("COLUMN", "TYPE", "MEANING")
        for column in table.columns.filter({ $0.name != LakeQuery.day.name }) + [LakeQuery.day] {
            // A structure can be pages long; --json has all of it.
            let type = column.type.count > longestType ? column.type.prefix(longestType - 1) + "…" : column.type
            output.rows.append([column.name, type, column.description])
        }
        terminal.write(output.text(terminal))
        guard !table.schemaHistory.isEmpty else { return .done }
        terminal.print("")
        terminal.write(LakeHistoryCommand.changes(table).text(terminal))
        return .done
    }

    private static let longestType = 60

    private static func json(_ table: LakeTable) -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("table", table.name)
            writer.member("description", table.description)
            writer.key("columns")
            writer.array { writer in
                for column in table.columns {
                    writer.object {
                        $0.member("name", column.name)
                        $0.member("type", column.type)
                        $0.member("description", column.description)
                    }
                }
            }
            writer.key("history")
            LakeHistoryCommand.write(table.schemaHistory, to: &writer)
        }
        return writer.text
    }
}
