import JSONText
import Lake

/// `weir lake partitions`: the days of a table.
enum LakePartitionsCommand {
    static let spec = CommandSpec(
        name: "lake partitions", summary: "list the days of a table",
        positionals: [LakeAccess.tableArgument], options: LakeAccess.spanOptions + [CommandSpec.json],
        examples: [
            ("weir lake partitions plate --from 2022-05-01 --to 2022-05-31", "a month of it, with the run of each day")
        ]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        let (from, to) = try LakeAccess.span(arguments)
        let partitions = try access.table(arguments.required(0)).partitions(from: from, to: to)
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for partition in partitions {
                    writer.object {
                        $0.member("day", partition.day)
                        $0.member("generation", partition.manifest.generation)
                        $0.member("rows", partition.manifest.rows)
                        $0.member("bytes", partition.manifest.bytes)
                        $0.member("files", partition.manifest.files.count)
                        $0.member("run", partition.manifest.run)
                    }
                }
            }
            access.session.terminal.print(writer.text)
            return .done
        }
        var output = Table("DAY", "GENERATION", "ROWS", "BYTES", "FILES", "RUN")
        for partition in partitions {
            let manifest = partition.manifest
            output.rows.append([
                partition.day, "\(manifest.generation)", "\(manifest.rows)", "\(manifest.bytes)",
                "\(manifest.files.count)", manifest.run,
            ])
        }
        access.session.terminal.write(output.text(access.session.terminal))
        return .done
    }
}
