import SchedulerCore

/// DuckDB's errors in one line, without what is of no use to who asks.
enum QueryWords {
    static func short(_ error: LakeError, _ catalogue: Catalogue) -> LakeError {
        // `LINE 1:` shows the statement around the question, which nobody has written.
        let parts = error.description.split(separator: " | ").prefix {
            !$0.hasPrefix("LINE ") && !$0.hasPrefix("Stack Trace") && !$0.hasPrefix("Did you mean")
                && !$0.hasPrefix("Possible solutions")
        }
        var words = parts.joined(separator: " ")
        // Held files go by the names that they have in the lake.
        while let held = words.firstRange(of: "/.staging/\(PinnedFiles.prefix)") {
            var rest = words[held.upperBound...].drop { $0 != "/" }
            if rest.hasPrefix("/" + PinnedFiles.numbered) { rest = rest.dropFirst().drop { $0 != "/" } }
            words = String(words[..<held.lowerBound] + rest)
        }
        if let status = words.firstRange(of: "DuckDB: exit status 1: ") {
            words.replaceSubrange(status, with: "DuckDB: ")
        }
        if words.contains("Expected a single SELECT statement") {
            return LakeError("the SQL must be one SELECT statement, which only reads")
        }
        if words.contains("Out of Memory Error") {
            return LakeError("the query needs more memory than it may use; ask for less, or give it more")
        }
        let mark = "Table with name "
        if let start = words.firstRange(of: mark)?.upperBound {
            let name = words[start...].prefix { $0 != " " }
            let near = nearestName(to: String(name), among: catalogue.tables.map(\.shortName))
            return LakeError(
                "no table '\(name)' in \(catalogue.lake.place)"
                    + (near.map { "; did you mean '\($0)'?" } ?? "; `weir lake tables` lists them"))
        }
        return LakeError(words)
    }
}
