import SchedulerCore

/// Task kinds with every type of parameter, for tests of DAG files.
enum SampleKinds {
    static let all = [
        KindSpec(name: "noop", summary: "nothing", parameters: []),
        KindSpec(
            name: "command", summary: "a program", launch: .program,
            parameters: [
                KindParameter("command", .array, element: .string, help: "program and arguments"),
                KindParameter("shell", .string, help: "a line for sh"),
            ],
            exactlyOneOf: [["command", "shell"]]),
        KindSpec(
            name: "load", summary: "loads",
            parameters: [
                KindParameter("from", .string, required: true, help: "the source"),
                KindParameter("to", .string, required: true, help: "the bucket"),
                KindParameter("when_empty", .string, allowed: ["skip", "ok", "fail"], help: "what then"),
                KindParameter("settle", .duration, help: "how long a file must rest"),
                KindParameter("limit", .integer, help: "files at once"),
                KindParameter("ratio", .number, help: "share"),
                KindParameter("strict", .boolean, help: "whether to be strict"),
                KindParameter("tables", .array, element: .string, help: "names"),
                KindParameter("options", .object, help: "more"),
                KindParameter("extra", .any, help: "anything"),
            ]),
        KindSpec(
            name: "notify", summary: "tells people",
            parameters: [
                KindParameter("to", .any, required: true, help: "who"), KindParameter("subject", .string, help: "what"),
            ]),
        KindSpec(
            name: "tell", summary: "tells programs",
            parameters: [
                KindParameter("url", .url, help: "where"), KindParameter("mail", .string, help: "who"),
                KindParameter("subject", .string, with: ["mail"], help: "what"),
            ], exactlyOneOf: [["url", "mail"]]),
    ]

    static let context = DAGValidationContext(
        kinds: all, names: ConfiguredNames(environment: ["STAGE"], secrets: ["db"])
    ) { SystemZones.zone($0) }

    /// Reads a DAG file; the diagnostics as `line:column code message`, warnings with `warning` before the code.
    static func parse(_ text: String) -> (dag: DAG?, lines: [String]) {
        let (dag, diagnostics) = DAGParser.parse(Array(text.utf8), context: context)
        let lines = diagnostics.map { found in
            "\(found.line):\(found.column) \(found.severity == .warning ? "warning " : "")\(found.code) \(found.message)"
        }
        return (dag, lines)
    }
}
