import JSONText

/// Reads the `for_each` of a task: an array, a template that gives one, or `{"in": …, "limit": …, "max_active": …}`.
enum MappingReader {
    static let keys = ["in", "limit", "max_active"]
    static let longest: Int64 = 100_000

    static func read(_ task: ObjectReader) -> Mapping? {
        guard let node = task["for_each"], !node.isNull else { return nil }
        guard node.object != nil else { return mapping(node, path: task.path("for_each"), problems: task.problems) }
        guard
            let reader = ObjectReader(
                node, path: task.path("for_each"), what: "\"for_each\"", problems: task.problems)
        else { return nil }
        reader.refuseUnknownKeys(keys, of: "\"for_each\"")
        reader.require("in", of: "\"for_each\"")
        let limit = reader.integer("limit", 1...longest)
        let maxActive = reader.integer("max_active", 1...10_000)
        guard let list = reader["in"],
            var mapping = mapping(list, path: reader.path("in"), limit: limit, problems: task.problems)
        else { return nil }
        mapping.maxActive = maxActive
        return mapping
    }

    private static func mapping(
        _ list: JSONNode, path: String, limit: Int? = nil, problems: DiagnosticCollector
    ) -> Mapping? {
        let limit = limit ?? Mapping.defaultLimit
        if let elements = list.array {
            if elements.count > limit {
                problems.error(
                    .outOfRange, at: list.offset, path,
                    "\"for_each\" has \(elements.count) elements; its limit is \(limit), which {\"in\": …, \"limit\": N} sets"
                )
            }
            return Mapping(list: list, limit: limit)
        }
        if let text = list.string {
            let (template, errors) = Template.scan(text)
            // What is wrong inside a template is told where templates are checked.
            if !errors.isEmpty || template.soleName != nil, !template.givesText || !errors.isEmpty {
                return Mapping(list: list, limit: limit)
            }
        }
        problems.error(
            .wrongType, at: list.offset, path,
            "\"for_each\" must be an array, or one template that gives one, such as \"{{ outputs.list.files }}\"")
        return nil
    }
}
