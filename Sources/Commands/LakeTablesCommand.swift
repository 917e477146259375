import JSONText
import Lake

/// `weir lake tables`: every table with its size.
enum LakeTablesCommand {
    static let spec = CommandSpec(
        name: "lake tables", summary: "list the tables: datasets, and buckets that have days themselves",
        options: [CommandSpec.json],
        examples: [("weir lake tables", "each table with its days, rows and bytes")]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        let tables = try access.catalogue().tables
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for table in tables {
                    writer.object {
                        $0.member("table", table.name)
                        $0.member("bucket", table.bucket)
                        $0.member("dataset", table.dataset)
                        $0.member("description", table.description)
                        $0.member("partitions", table.partitions.count)
                        $0.member("rows", table.rows)
                        $0.member("bytes", table.bytes)
                        $0.member("first_day", table.partitions.first?.day)
                        $0.member("last_day", table.partitions.last?.day)
                    }
                }
            }
            access.session.terminal.print(writer.text)
            return .done
        }
        var output = Table("TABLE", "PARTITIONS", "ROWS", "BYTES", "FIRST DAY", "LAST DAY")
        for table in tables {
            output.rows.append([
                table.name, "\(table.partitions.count)", "\(table.rows)", "\(table.bytes)",
                table.partitions.first?.day ?? "", table.partitions.last?.day ?? "",
            ])
        }
        access.session.terminal.write(output.text(access.session.terminal))
        return .done
    }
}
