import API
import JSONText
import Lake

/// `weir lake lineage`: what a day of a table was made from.
enum LakeLineageCommand {
    static let spec = CommandSpec(
        name: "lake lineage", summary: "show what a day of a table was made from, down to the raw data",
        positionals: [LakeAccess.tableArgument, .init(name: "DAY", values: .day, help: "such as 2022-05-02")],
        options: [CommandSpec.json],
        examples: [
            (
                "weir lake lineage plate 2022-05-02",
                "each partition below it with its generation, run and rows, and whether it is newer than what was used"
            )
        ]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        let day = try LakeAccess.day(arguments.required(1), "DAY")
        let table = try access.table(arguments.required(0))
        let lineage = try access.asking { try Lineage(of: table.partition(day), in: access.lake) }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            LineageJSON.write(lineage, to: &writer)
            access.session.terminal.print(writer.text)
        } else {
            for line in lines(lineage) { access.session.terminal.print(line) }
        }
        return .done
    }

    private static func lines(_ lineage: Lineage, depth: Int = 0) -> [String] {
        let indent = String(repeating: "  ", count: depth)
        guard let manifest = lineage.manifest else {
            let consumed = lineage.consumed.map { "generation \($0) was used; " } ?? ""
            return ["\(indent)\(lineage.name): \(consumed)it is not there any more"]
        }
        var head = "\(indent)\(lineage.name): generation \(lineage.consumed ?? manifest.generation)"
        if lineage.isNewer {
            head += " was used, generation \(manifest.generation) is there now: what was made from it is out of date"
        }
        var lines = [head]
        lines.append("\(indent)  \(manifest.rows) rows in \(count(manifest.files.count, "file")), by \(manifest.run)")
        if let files = lineage.sourceFiles {
            let counts = ["seen", "loaded", "duplicates", "quarantined"].map {
                "\($0) \(manifest.counts[$0]?.integer ?? 0)"
            }
            lines.append("\(indent)  from \(count(files, "source file")): \(counts.joined(separator: ", "))")
        }
        return lines + lineage.inputs.flatMap { Self.lines($0, depth: depth + 1) }
    }

    private static func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
}
