import JSONText

/// Reads the `schedule` of a DAG file: null, a preset, a cron expression, or an object with one of `cron`, `every`,
/// `files` and `datasets`.
struct ScheduleReader {
    /// What was read. Nothing at all after an error, which is reported.
    struct Schedule {
        var timetable: Timetable?
        var startedBy: StartCondition?
        /// The text was wrong: nothing more can be said about it.
        var isWrong = false

        var startsRuns: Bool { timetable != nil || startedBy != nil }
    }

    static let forms = ["cron", "every", "files", "datasets"]
    static let fileKeys = ["folder", "pattern", "settle", "every", "batch"]
    static let batchKeys = ["files", "bytes", "age"]

    /// The DAG's.
    let zone: Zone
    let start: Instant?
    let context: DAGValidationContext

    func read(_ dag: ObjectReader) -> Schedule {
        guard let node = dag["schedule"], !node.isNull else { return Schedule() }
        if node.object != nil { return readObject(dag, node) }
        let all = Timetable.presets.joined(separator: ", ")
        guard let text = node.string else {
            dag.error(
                .badSchedule, "schedule", "\(node.typeName) is no schedule; one of \(all), a cron expression, or null")
            return Schedule(isWrong: true)
        }
        if let timetable = Timetable(preset: text, zone: zone) { return Schedule(timetable: timetable) }
        if text.contains(" ") || text.contains("*") { return readCron(text, "schedule", dag, zone) }
        let remedy = dag.problems.suggestion(
            for: text, among: Timetable.presets, otherwise: "; one of \(all)")
        dag.error(.badSchedule, "schedule", "\"\(text)\" is not a preset\(remedy)")
        return Schedule(isWrong: true)
    }

    private func readObject(_ dag: ObjectReader, _ node: JSONNode) -> Schedule {
        guard
            let reader = ObjectReader(node, path: dag.path("schedule"), what: "\"schedule\"", problems: dag.problems)
        else { return Schedule(isWrong: true) }
        reader.refuseUnknownKeys(Self.forms + ["timezone"], of: "\"schedule\"")
        let given = Self.forms.filter { reader[$0] != nil }
        guard given.count == 1, let form = given.first else {
            let found = given.isEmpty ? "none is given" : "\(given.joined(separator: " and ")) are given"
            dag.error(
                .exactlyOneOf, "schedule",
                "\"schedule\" needs exactly one of \"cron\", \"every\", \"files\" or \"datasets\"; \(found)")
            return Schedule(isWrong: true)
        }
        if form != "cron", reader["timezone"] != nil {
            reader.error(.badValue, "timezone", "\"timezone\" only goes with \"cron\"")
        }
        switch form {
        case "cron":
            let own = reader["timezone"] == nil ? zone : DAGParser.readZone(reader, context)
            guard let text = reader.string("cron") else { return Schedule(isWrong: true) }
            return readCron(text, "cron", reader, own)
        case "every": return readEvery(reader)
        case "files": return readFiles(reader)
        default: return readDatasets(reader)
        }
    }

    private func readCron(_ text: String, _ key: String, _ reader: ObjectReader, _ zone: Zone) -> Schedule {
        do throws(CronExpression.Problem) {
            return Schedule(timetable: Timetable(cron: try CronExpression(text), zone: zone))
        } catch {
            reader.error(.badSchedule, key, error.message)
            return Schedule(isWrong: true)
        }
    }

    /// Counted from `start`; without one from the beginning of 1970, so that the ticks of `15m` are full quarters of an hour.
    private func readEvery(_ reader: ObjectReader) -> Schedule {
        guard let amount = reader.duration("every", positive: true) ?? nil else { return Schedule(isWrong: true) }
        let shortest = TimeAmount(seconds: 1)
        guard amount >= shortest else {
            reader.error(.outOfRange, "every", "\"every\" must be at least \(shortest), not \(amount)")
            return Schedule(isWrong: true)
        }
        return Schedule(timetable: Timetable(every: amount, from: start ?? Instant(seconds: 0), zone: zone))
    }

    private func readFiles(_ schedule: ObjectReader) -> Schedule {
        guard let node = schedule["files"],
            let reader = ObjectReader(
                node, path: schedule.path("files"), what: "\"files\"", problems: schedule.problems)
        else { return Schedule(isWrong: true) }
        reader.refuseUnknownKeys(Self.fileKeys, of: "\"files\"")
        reader.require("folder", of: "\"files\"")
        let settle = (reader.duration("settle") ?? nil) ?? TimeAmount(seconds: 10)
        let every = (reader.duration("every", positive: true) ?? nil) ?? TimeAmount(seconds: 10)
        let pattern = reader.string("pattern") ?? "*"
        let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains(where: { ["", ".", ".."].contains($0) }) || parts.count > 8 {
            reader.error(
                .badValue, "pattern",
                "\"pattern\" must be a pattern of file names such as \"*.json\", or \"*/*.json\" for those one folder below"
            )
        }
        guard let folder = reader.string("folder") else { return Schedule(isWrong: true) }
        if folder.isEmpty || folder.utf8.contains(0) || Template.isTemplate(folder) {
            reader.error(.badValue, "folder", "\"folder\" must name a folder; a relative one counts from WEIR_HOME")
        }
        return Schedule(
            startedBy: .files(
                FileCondition(
                    folder: folder, pattern: pattern, settle: settle, every: every, batch: readBatch(reader))))
    }

    /// Without an age, files that come no more would wait for ever.
    private func readBatch(_ files: ObjectReader) -> FileBatch? {
        guard let node = files["batch"],
            let reader = ObjectReader(node, path: files.path("batch"), what: "\"batch\"", problems: files.problems)
        else { return nil }
        reader.refuseUnknownKeys(Self.batchKeys, of: "\"batch\"")
        return FileBatch(
            files: reader.integer("files", 1...1_000_000_000), bytes: reader.bytes("bytes", atLeast: "1B"),
            age: (reader.duration("age", positive: true) ?? nil) ?? TimeAmount(seconds: 60))
    }

    private func readDatasets(_ reader: ObjectReader) -> Schedule {
        guard let names = reader.strings("datasets") else { return Schedule(isWrong: true) }
        if names.isEmpty { reader.error(.badValue, "datasets", "\"datasets\" must name at least one dataset") }
        var seen: Set<String> = []
        for name in names {
            if name.text.isEmpty || Template.isTemplate(name.text) {
                reader.problems.error(
                    .badValue, at: name.node.offset, name.path, "the name of a dataset must be a plain text")
            } else if !seen.insert(name.text).inserted {
                reader.problems.error(
                    .badValue, at: name.node.offset, name.path, "dataset \"\(name.text)\" is named twice")
            }
        }
        return Schedule(startedBy: .datasets(names.map(\.text)))
    }
}
