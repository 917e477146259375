import SchedulerCore

/// `weir schema`: the JSON Schema of DAG files, for editors and for docs/dag.schema.json.
enum SchemaCommand {
    static let spec = CommandSpec(
        name: "schema", summary: "print the JSON Schema of DAG files, for editors",
        examples: [("weir schema >dag.schema.json", "then a DAG file names it: \"$schema\": \"../dag.schema.json\"")]
    ) { _, surroundings in
        surroundings.terminal.write(DAGSchema.text(kinds: Session.kinds))
        return .done
    }
}
