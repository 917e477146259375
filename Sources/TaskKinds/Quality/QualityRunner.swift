import JSONText
import Lake
import Spawn

/// Asks DuckDB what the checks want to know.
struct QualityRunner {
    let day: QualityDay
    let published: [PublishedDataset]
    let duckdb: DuckDB
    /// Told of what does not matter to the answers.
    let log: (String) -> Void

    /// Views of those datasets that have a partition of the day, and their names.
    func views(_ datasets: Set<String>) -> (sql: String, present: Set<String>) {
        let present = published.filter { datasets.contains($0.dataset) }.sorted { $0.dataset < $1.dataset }
        let sql = present.map { item in
            // The folder's name is no column of the file.
            let source = "read_parquet(\(SQL.list(item.files)), hive_partitioning = false)"
            return "CREATE TEMP VIEW \(SQL.name(item.dataset)) AS SELECT * FROM \(source);\n"
        }.joined()
        return (sql, Set(present.map(\.dataset)))
    }

    /// Runs statements that may use `getvariable('ds')`.
    func ask(_ statements: String) throws -> [JSONNode] {
        try duckdb.run(statements, variables: ["ds": day.day])
    }

    private struct Asked {
        var place: Int
        var sql: String
    }

    func evaluate(_ checks: [QualityCheck]) -> [QualityReport.Check] {
        let (views, present) = views(Set(checks.flatMap(\.datasets)))
        var results: [Int: QualityReport.Check] = [:]
        var asked: [Asked] = []
        for (place, check) in checks.enumerated() {
            let missing = check.datasets.filter { !present.contains($0) }
            guard missing.isEmpty else {
                results[place] = check.notEvaluated("\(missing.joined(separator: ", ")) has no partition of \(day.day)")
                continue
            }
            do {
                switch try check.question(day) {
                case .ask(let sql): asked.append(Asked(place: place, sql: sql))
                case .cannotAsk(let why, let severity):
                    results[place] = check.notEvaluated(why, severity: severity)
                }
            } catch {
                results[place] = check.notEvaluated("\(error)")
            }
        }
        let answers = answers(asked, views)
        let failing = answers.compactMap { place, answer in
            if case .success(let answer) = answer, answer.failing.map({ $0 > 0 }) == true { place } else { nil }
        }
        let samples = samples(failing.sorted().map { ($0, checks[$0]) }, views)
        for (place, answer) in answers {
            switch answer {
            case .success(let answer): results[place] = checks[place].judge(answer, samples: samples[place] ?? [])
            case .failure(let error): results[place] = checks[place].notEvaluated(error.description)
            }
        }
        return checks.enumerated().map { results[$0] ?? $1.notEvaluated("it gave no answer") }
    }

    /// All in one call; when that fails, each by itself, so that one that cannot be asked does not hide the rest.
    private func answers(_ asked: [Asked], _ views: String) -> [Int: Result<QualityCheck.Answer, LakeError>] {
        var answers: [Int: Result<QualityCheck.Answer, LakeError>] = [:]
        func ask(_ some: [Asked]) throws {
            let union = some.map {
                "SELECT \($0.place) AS place, * FROM (\($0.sql)) AS c (failing, total, metric, detail, remarks)"
            }
            for row in try self.ask(views + union.joined(separator: "\nUNION ALL\n") + ";") {
                guard let place = row["place"]?.integer else { continue }
                let metric = row["metric"]?.string.flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil }
                answers[Int(place)] = .success(
                    QualityCheck.Answer(
                        failing: row["failing"]?.integer, total: row["total"]?.integer ?? 0, metric: metric,
                        detail: row["detail"]?.string, remarks: row["remarks"]?.integer ?? 0))
            }
        }
        do {
            if !asked.isEmpty { try ask(asked) }
        } catch {
            for one in asked {
                do { try ask([one]) } catch { answers[one.place] = .failure(LakeError("\(error)")) }
            }
        }
        return answers
    }

    /// Some of the rows that fail, as objects of texts.
    private func samples(_ checks: [(place: Int, check: QualityCheck)], _ views: String) -> [Int: [JSONNode]] {
        let selects = checks.compactMap { place, check -> (place: Int, sql: String)? in
            guard let sample = check.sample, check.samples > 0 else { return nil }
            // The name of the row must not be that of a column.
            let sql = """
                SELECT \(place) AS place, to_json(_weir_row)::VARCHAR AS row
                FROM (SELECT COLUMNS(*)::VARCHAR FROM (\(sample)) LIMIT \(check.samples)) _weir_row
                """
            return (place, sql)
        }
        var found: [Int: [JSONNode]] = [:]
        func take(_ some: [(place: Int, sql: String)]) throws {
            let union = some.map { "(\($0.sql))" }.joined(separator: "\nUNION ALL\n")
            for row in try ask(views + union + ";") {
                guard let place = row["place"]?.integer, let text = row["row"]?.string,
                    let node = (try? JSONDocument(parsing: text))?.root
                else { continue }
                found[Int(place), default: []].append(Self.shortened(node))
            }
        }
        do {
            if !selects.isEmpty { try take(selects) }
        } catch {
            found = [:]
            for one in selects {
                do { try take([one]) } catch {
                    log("no samples of \(checks.first { $0.place == one.place }?.check.name ?? ""): \(error)")
                }
            }
        }
        return found
    }

    private static let longestValue = 200

    /// A report is read by people: values that fill pages are cut.
    private static func shortened(_ row: JSONNode) -> JSONNode {
        let members = (row.object?.members ?? []).map { member in
            guard let text = member.node.string, text.unicodeScalars.count > longestValue else { return member }
            let cut = String(String.UnicodeScalarView(text.unicodeScalars.prefix(longestValue))) + "…"
            return JSONMember(key: member.key, node: JSONNode(.string(cut)))
        }
        return JSONNode(.object(JSONObject(members)))
    }
}
