import JSONText

/// The file of a quality task: `{"keys": {…}, "checks": […]}`.
enum QualityFile {
    /// Its checks.
    ///
    /// - Throws: everything that is wrong with it, each with its place.
    static func checks(_ path: String) throws -> [QualityCheck] {
        let file = try DeclarationFile(path: path)
        let reader = DeclarationReader(file.document.root, file)
        let keys = keys(reader)
        guard let list = reader.any("checks")?.array, !list.isEmpty else {
            throw TaskFailure("\(path) has no 'checks'", mayRetry: false)
        }
        _ = reader.any("$schema")
        _ = reader.text("description")
        reader.finish()
        var problems = reader.problems
        var names: Set<String> = []
        var checks: [QualityCheck] = []
        for node in list {
            let inner = DeclarationReader(node, file)
            let check = QualityCheck(inner, keys: keys)
            problems += inner.problems
            guard let check else { continue }
            // The history of a check goes by its name.
            if !names.insert(check.name).inserted {
                problems.append("\(file.place(node.offset)): two checks are called '\(check.name)'; give one a 'name'")
            }
            checks.append(check)
        }
        guard problems.isEmpty else { throw DeclarationFile.failure(problems) }
        return checks
    }

    /// The columns that tell a row of a dataset from the others; those of `*` hold for datasets without their own.
    private static func keys(_ reader: DeclarationReader) -> [String: [String]] {
        guard let node = reader.any("keys") else { return [:] }
        let inner = DeclarationReader(node, reader.file)
        var keys: [String: [String]] = [:]
        for member in node.object?.members ?? [] { keys[member.key] = inner.texts(member.key) }
        reader.take(inner.problems)
        return keys
    }
}
