import JSONText
import Lake

/// `weir lake diff`: two days of a table beside each other.
enum LakeDiffCommand {
    static let spec = CommandSpec(
        name: "lake diff", summary: "compare two days of a table: columns and size",
        positionals: [
            LakeAccess.tableArgument, .init(name: "DAY", values: .day, help: "such as 2022-05-02"),
            .init(name: "OTHER", values: .day, help: "the day to compare it with"),
        ], options: [CommandSpec.json],
        examples: [("weir lake diff plate 2022-05-02 2022-05-03", "what changed from the one day to the other")]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        let days = (
            try LakeAccess.day(arguments.required(1), "DAY"), try LakeAccess.day(arguments.required(2), "OTHER")
        )
        _ = try access.table(arguments.required(0))
        let table = try access.asking { try access.runner().table(arguments.required(0)) }
        let old = try access.asking { try table.partition(days.0) }
        let new = try access.asking { try table.partition(days.1) }
        let changes = SchemaChange.between(old.columns, new.columns)
        if arguments.has("--json") {
            access.session.terminal.print(json(table, old, new, changes))
            return .done
        }
        var output = Table("", old.day, new.day, "DIFFERENCE")
        func row(_ name: String, _ before: Int64, _ after: Int64) {
            let difference = after - before
            output.rows.append([name, "\(before)", "\(after)", difference > 0 ? "+\(difference)" : "\(difference)"])
        }
        row("rows", old.manifest.rows, new.manifest.rows)
        row("bytes", old.manifest.bytes, new.manifest.bytes)
        row("files", Int64(old.manifest.files.count), Int64(new.manifest.files.count))
        output.rows.append(["generation", "\(old.manifest.generation)", "\(new.manifest.generation)", ""])
        let terminal = access.session.terminal
        terminal.write(output.text(terminal))
        terminal.print("")
        if changes.isEmpty {
            terminal.print("the columns are the same")
        } else {
            for change in changes { terminal.print("column \(change.column): \(change.words)") }
        }
        return .done
    }

    private static func json(
        _ table: LakeTable, _ old: TablePartition, _ new: TablePartition, _ changes: [SchemaChange]
    ) -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("table", table.name)
            writer.key("days")
            writer.array { writer in
                for partition in [old, new] {
                    writer.object {
                        $0.member("day", partition.day)
                        $0.member("generation", partition.manifest.generation)
                        $0.member("rows", partition.manifest.rows)
                        $0.member("bytes", partition.manifest.bytes)
                        $0.member("files", partition.manifest.files.count)
                    }
                }
            }
            writer.member("rows", new.manifest.rows - old.manifest.rows)
            writer.key("columns")
            writer.array { writer in for change in changes { change.write(to: &writer) } }
        }
        return writer.text
    }
}
