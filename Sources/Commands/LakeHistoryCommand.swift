import JSONText
import Lake

/// `weir lake history`: from which days on the columns of a table are others.
enum LakeHistoryCommand {
    static let spec = CommandSpec(
        name: "lake history", summary: "show on which days the columns of a table changed",
        positionals: [LakeAccess.tableArgument], options: [CommandSpec.json],
        examples: [("weir lake history plate", "columns that came, went or changed their type, by day")]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        _ = try access.table(arguments.required(0))
        // Old manifests have no columns; then DuckDB is asked.
        let table = try access.asking { try access.runner().table(arguments.required(0)) }
        let terminal = access.session.terminal
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            write(table.schemaHistory, to: &writer)
            terminal.print(writer.text)
        } else if table.schemaHistory.isEmpty {
            terminal.print("\(table.name) has had the same columns on all days")
        } else {
            terminal.write(changes(table).text(terminal))
        }
        return .done
    }

    static func changes(_ table: LakeTable) -> Table {
        var history = Table("FROM DAY", "GENERATION", "COLUMN", "CHANGE")
        for step in table.schemaHistory {
            for change in step.changes {
                history.rows.append([step.day, "\(step.generation)", change.column, change.words])
            }
        }
        return history
    }

    /// A list of `{from_day, generation, changes}`.
    static func write(_ steps: [SchemaChange.Step], to writer: inout JSONWriter) {
        writer.array { writer in
            for step in steps {
                writer.object { writer in
                    writer.member("from_day", step.day)
                    writer.member("generation", step.generation)
                    writer.key("changes")
                    writer.array { writer in for change in step.changes { change.write(to: &writer) } }
                }
            }
        }
    }
}

extension SchemaChange {
    /// `{column, change, from, to}`; `from` and `to` are types, null where there is none.
    func write(to writer: inout JSONWriter) {
        let (word, from, to): (String, String?, String?) =
            switch kind {
            case .added(let type): ("added", nil, type)
            case .removed: ("removed", nil, nil)
            case .changed(let from, let to): ("changed", from, to)
            }
        writer.object {
            $0.member("column", column)
            $0.member("change", word)
            $0.member("from", from)
            $0.member("to", to)
        }
    }
}
