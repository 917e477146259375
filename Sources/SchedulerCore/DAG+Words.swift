extension DAG {
    /// What starts it, in words: `it runs every day at 00:00 UTC`, `it starts when …`.
    public var meaning: String {
        if let timetable { return "it runs \(timetable.meaning)" }
        switch startedBy {
        case .files(let files):
            let names = files.pattern == "*" ? "files" : "files \"\(files.pattern)\""
            let rest = files.settle == .zero ? "" : " and were not changed for \(files.settle)"
            return
                "it starts when \(names) have arrived in \(files.folder)\(rest)\(files.batch.map(Self.words) ?? ""), "
                + "looking every \(files.every)"
        case .datasets(let names):
            let list = names.dropLast().joined(separator: ", ") + (names.count > 1 ? " and " : "") + (names.last ?? "")
            return "it starts when \(list) \(names.count == 1 ? "was" : "were all") published since its last start"
        case nil: return "it has no schedule: it runs when triggered"
        }
    }

    private static func words(_ batch: FileBatch) -> String {
        let sizes = [batch.files.map { "\($0) of them" }, batch.bytes.map { ByteAmount.words($0) }].compactMap(
            \.self)
        return ", once there are " + (sizes + ["some of them for \(batch.age)"]).joined(separator: " or ")
    }

    /// When the run of the interval that begins at `start` is due; nil for a DAG that time does not start, or that has ended.
    public func due(intervalStart start: Instant) -> Instant? {
        guard let timetable, end.map({ start <= $0 }) ?? true else { return nil }
        let interval = timetable.interval(startingAt: start)
        return interval.end < .distantFuture ? interval.end + delay : nil
    }
}
