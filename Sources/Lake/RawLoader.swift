import CPosix
import Glibc
import JSONText
import Spawn

/// Takes the new files of a landing folder into the raw bucket, each record into the day of its event.
///
/// Each record counts once, whatever is killed when: first the days are published, each with its index; then the files
/// are noted in the source's ledger; then, if wanted, they are removed.
public struct RawLoader {
    /// The day of an event in the lake's zone, and its time in UTC; nil for a text that is no time.
    public typealias EventTime = (_ text: String) -> (day: String, utc: String)?

    /// What a load did.
    public struct Report {
        /// Files that had not been taken before.
        public var newFiles = 0
        /// Manifests of the days that changed.
        public var days: [String: Manifest] = [:]
        /// Generations of the days that this task instance has changed, by this attempt or by one that was killed.
        public var generations: [String: Int64] = [:]
        /// Records that came for days whose raw data is archived, by day: they were set aside.
        public var closed: [String: Int] = [:]
    }

    private struct Record {
        var source: String
        var sha256: String
        var key: String
        var rank: Int
        /// Its line in the day's incoming file.
        var offset: Int
        var count: Int
    }

    private struct Aside {
        var source: String
        var sha256: String
        var rejection: Rejection
        /// Empty for what has no content, such as a folder.
        var content: [UInt8]
    }

    /// The new records of one day.
    private struct Day {
        var records: [Record] = []
        var asides: [Aside] = []
        var incoming: IncomingFile
    }

    private let lake: LakeRoot
    private let bucket: String
    private let schema: RecordSchema
    private let run: String
    private let eventTime: EventTime
    private let publisher: Publisher
    /// A larger file is set aside: no recognizer writes one, and it would fill the memory.
    private static let largestFile = 1 << 30

    public init(
        lake: LakeRoot, bucket: String, schema: RecordSchema, run: String, publisher: Publisher,
        eventTime: @escaping EventTime
    ) {
        self.lake = lake
        self.bucket = bucket
        self.schema = schema
        self.run = run
        self.publisher = publisher
        self.eventTime = eventTime
    }

    /// Loads what is new.
    /// - Parameters:
    ///   - day: the day that is counted for records that tell no time, neither in themselves nor in their file's name.
    ///   - remove: whether the files are removed once they are safe.
    public func load(from landing: String, day: String, remove: Bool) throws -> Report {
        let id = String(SHA256.hex(landing).prefix(16))
        // One loader of a source at a time; the others wait, and then find nothing new.
        return try FileLock.hold("\(lake.path)/.locks/source-\(id)") {
            try loadLocked(landing, ledger: SourceLedger("\(lake.ledgers)/\(id)"), day: day, remove: remove)
        }
    }

    private func loadLocked(_ landing: String, ledger: SourceLedger, day: String, remove: Bool) throws -> Report {
        var ledger = ledger
        // Somebody has removed what was loaded: the files are read again.
        if ledger.days.contains(where: { !File.exists(lake.partition(bucket, $0).path) }) {
            ledger = try ledger.forgotten()
        }
        let items = try LandingFolder(path: landing).items()
        let new = items.filter { !ledger.has($0.path, $0.status) }
        // Those that an earlier load took, and was killed before it removed them.
        var taken = items.filter { ledger.has($0.path, $0.status) }
        var report = Report()
        report.newFiles = new.count
        if !new.isEmpty {
            var days: [String: Day] = [:]
            let complete = try new.filter { item in try read(item, fallback: day, into: &days) }
            Fault.point("load.before_publish")
            for (name, content) in days.sorted(by: { $0.key < $1.key }) {
                guard let manifest = try publish(content, day: name) else { continue }
                if manifest.archived == nil {
                    report.days[name] = manifest
                } else {
                    report.closed[name] = content.records.count
                }
            }
            Fault.point("load.before_ledger")
            try ledger.append(complete.map { ($0.path, $0.status) }, days: days.keys.sorted())
            taken += complete
        }
        for day in ledger.days.union(report.days.keys) {
            // An earlier attempt that has published it may not have come so far as to tell.
            let manifest = try lake.partition(bucket, day).manifest()
            if let manifest, manifest.run == run, manifest.archived == nil {
                report.generations[day] = manifest.generation
            }
        }
        Fault.point("load.before_removal")
        if remove {
            // One that was written anew since it was read is a new file.
            for item in taken where item.status.kind == .file {
                if File.status(item.path, followLinks: false) == item.status { unlink(item.path) }
            }
        }
        return report
    }

    // MARK: Reading

    /// Takes what is in a file; false when the file has to be looked at again by the next load.
    private func read(_ item: LandingFolder.Item, fallback: String, into days: inout [String: Day]) throws -> Bool {
        func setAside(_ reason: String, _ detail: String) throws {
            let stamp = SHA256.hex("\(item.path) \(item.status.modified) \(item.status.size)")
            let aside = Aside(source: item.name, sha256: stamp, rejection: Rejection(reason, detail), content: [])
            try self.setAside(aside, fallback, &days)
        }
        guard item.status.kind == .file else {
            let isFolder = item.status.kind == .directory
            try setAside("not_a_file", isFolder ? "a directory named like a log" : "a link, a pipe or a device")
            return true
        }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(item.path, limit: Self.largestFile, followLinks: false)
        } catch {
            // One that vanished was never seen; one that may not be read now may be readable later.
            if error.code != ENOENT { try setAside("unreadable", "\(error)") }
            return false
        }
        // Somebody still writes to it: it is not settled.
        guard File.status(item.path, followLinks: false) == item.status else { return false }
        if item.isLines {
            for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                guard line.contains(where: { $0 > 0x20 }) else { continue }
                try take(Array(line), "\(item.name)#\(index + 1)", item.sourceID, fallback, &days)
            }
        } else {
            try take(bytes, item.name, item.sourceID, fallback, &days)
        }
        return true
    }

    private func take(
        _ bytes: [UInt8], _ source: String, _ sourceID: String, _ fallback: String, _ days: inout [String: Day]
    ) throws {
        let sha256 = bytes.withUnsafeBytes { SHA256.hex($0) }
        do throws(Rejection) {
            let facts = try RecordValidator.check(bytes, schema)
            guard let time = eventTime(facts.eventTime) else {
                throw Rejection(
                    "bad_timestamp", "\(schema.eventTime) is '\(facts.eventTime)', which is no date and time")
            }
            let envelope = envelope(bytes, source, sourceID, sha256, time.utc, facts.extra)
            let record = Record(
                source: source, sha256: sha256, key: "\(sourceID)|\(time.utc)|\(facts.key)", rank: facts.rank,
                offset: 0,
                count: envelope.count)
            try append(envelope, record, time.day, &days)
        } catch {
            try setAside(
                Aside(source: source, sha256: sha256, rejection: error, content: bytes), fallback, &days)
        }
    }

    /// One line of a segment: the record as it came, without its line breaks, and what is known of it.
    private func envelope(
        _ bytes: [UInt8], _ source: String, _ sourceID: String, _ sha256: String, _ utc: String, _ extra: [JSONMember]
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("source", source)
            writer.member("source_id", sourceID)
            writer.member("sha256", sha256)
            writer.member("event_time", utc)
            if !extra.isEmpty { writer.member("extra", JSONNode(.object(JSONObject(extra)))) }
            writer.key("doc")
            writer.rawLine(bytes)
        }
        return writer.bytes + [0x0A]
    }

    private func day(_ name: String, _ days: inout [String: Day]) throws {
        if days[name] == nil {
            days[name] = Day(incoming: try IncomingFile("\(lake.staging)/incoming/\(name).ndjson"))
        }
    }

    private func append(
        _ line: [UInt8], _ record: Record, _ name: String, _ days: inout [String: Day]
    ) throws(Rejection) {
        do {
            try day(name, &days)
            var record = record
            record.offset = try days[name]?.incoming.append(line) ?? 0
            days[name]?.records.append(record)
        } catch {
            // A full disk is no fault of the record: the load fails as a whole, and nothing is counted.
            throw Rejection("unwritable", "\(error)")
        }
    }

    private func setAside(_ aside: Aside, _ fallback: String, _ days: inout [String: Day]) throws {
        if aside.rejection.reason == "unwritable" { throw LakeError(aside.rejection.detail) }
        let name = ownDay(aside) ?? fallback
        try day(name, &days)
        days[name]?.asides.append(aside)
    }

    /// The day that a record tells although it is set aside: by itself, or by its file's name.
    private func ownDay(_ aside: Aside) -> String? {
        if let day = aside.rejection.eventTime.flatMap({ eventTime($0)?.day }) { return day }
        return schema.fileDate?.date(in: aside.source).flatMap { eventTime($0 + "T00:00:00Z")?.day }
    }

    // MARK: Publishing

    /// Adds a day's new records to its partition; nil when all of them were counted before.
    private func publish(_ day: Day, day name: String) throws -> Manifest? {
        let partition = lake.partition(bucket, name)
        return try publisher.locked(partition) {
            let before = try partition.manifest()
            var index = try RawIndex(reading: partition.path + "/" + RawIndex.fileName)
            let counted = index.entries.count
            if let before, before.archived != nil { return try setAside(day, name, partition, before, index) }
            for aside in day.asides where !index.isKnown(source: aside.source, sha256: aside.sha256) {
                try keep(aside, name)
                index.quarantine(source: aside.source, sha256: aside.sha256, reason: aside.rejection.reason)
            }
            if index.entries.count > counted { try syncQuarantine() }
            let staged = try publisher.stage(partition)
            var files = before?.files ?? []
            if files.count >= Self.mostSegments {
                files = [try merge(files, of: partition, to: staged, number: Self.number(of: files.last) + 1)]
            } else {
                for file in files { try link(partition.path + "/" + file.name, staged + "/" + file.name) }
            }
            let kept = day.records.filter { record in
                !index.isKnown(source: record.source, sha256: record.sha256)
                    && index.add(source: record.source, sha256: record.sha256, key: record.key, rank: record.rank)
            }
            guard index.entries.count > counted else { return nil }
            if !kept.isEmpty {
                let segment = Self.segmentName(Self.number(of: files.last) + 1)
                let ranges = kept.map { $0.offset..<($0.offset + $0.count) }
                let (bytes, sha256) = try day.incoming.copy(ranges, to: staged + "/" + segment)
                files.append(.init(name: segment, rows: Int64(kept.count), bytes: bytes, sha256: sha256))
            }
            try File.writeAtomically(staged + "/" + RawIndex.fileName, index.lines)
            let largest = kept.map { Int64($0.count) }.max() ?? 0
            return try publisher.publish(
                staged, as: partition,
                Manifest(
                    files: files, run: run,
                    counts: index.counts.adding(
                        Manifest.largestRecord, max(largest, before?.counts[Manifest.largestRecord]?.integer ?? 0))))
        }
    }

    /// The day's raw data is archived, and with it what was seen of it: whatever comes now is set aside, and counted.
    private func setAside(
        _ day: Day, _ name: String, _ partition: Partition, _ before: Manifest, _ known: RawIndex
    ) throws -> Manifest? {
        var index = known
        var new: [String: Int64] = [:]
        let why = Rejection(
            "after_retention", "the raw data of \(name) is archived; `weir lake restore` brings it back")
        let records = try day.records.map { record in
            Aside(
                source: record.source, sha256: record.sha256, rejection: why,
                content: try day.incoming.read(record.offset..<(record.offset + record.count)))
        }
        for aside in day.asides + records where !index.isKnown(source: aside.source, sha256: aside.sha256) {
            try keep(aside, name)
            index.quarantine(source: aside.source, sha256: aside.sha256, reason: aside.rejection.reason)
            new[aside.rejection.reason, default: 0] += 1
        }
        guard !new.isEmpty else { return nil }
        try syncQuarantine()
        let staged = try publisher.stage(partition)
        try File.writeAtomically(staged + "/" + RawIndex.fileName, index.lines)
        var manifest = before
        manifest.counts = RawIndex.counts(before.counts, quarantined: new)
        try publisher.empty(staged, as: partition, manifest)
        return manifest
    }

    /// A source that is looked at often would leave thousands of small files in a day.
    private static let mostSegments = 32

    /// The number in a segment's name; 0 for none.
    private static func number(of file: Manifest.DataFile?) -> Int {
        file.flatMap { Int($0.name.filter { ("0"..."9").contains($0) }) } ?? 0
    }

    /// One segment with the lines of several, in their order.
    private func merge(
        _ files: [Manifest.DataFile], of partition: Partition, to folder: String, number: Int
    ) throws -> Manifest.DataFile {
        let name = Self.segmentName(number)
        let target = folder + "/" + name
        let output = try FileDescriptor.open(target, O_WRONLY | O_CREAT | O_TRUNC)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        for file in files {
            let path = partition.path + "/" + file.name
            let input = try FileDescriptor.open(path, O_RDONLY)
            while true {
                let count = Glibc.read(input.raw, &buffer, buffer.count)
                guard count >= 0 else { throw SystemError("read", path: path) }
                if count == 0 { break }
                try output.writeAll(Array(buffer[..<count]), path: target)
            }
        }
        let (bytes, sha256) = try SHA256.file(target)
        guard bytes == files.reduce(0, { $0 + $1.bytes }) else {
            throw LakeError("\(partition.name): its segments have other sizes than its manifest says; restore the day")
        }
        return .init(name: name, rows: files.reduce(0) { $0 + $1.rows }, bytes: bytes, sha256: sha256)
    }

    private static func segmentName(_ number: Int) -> String {
        let digits = String(number)
        return "segment-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".ndjson"
    }

    private func link(_ from: String, _ to: String) throws {
        guard Glibc.link(from, to) == 0 else { throw SystemError("link", path: to) }
    }

    /// What was set aside is on disk before the partition that counts it: its source may be removed next. One sync of the file
    /// system for all of it, because one for each record takes a hundredth of a second each.
    private func syncQuarantine() throws {
        let folder = try FileDescriptor.open(lake.quarantine, O_RDONLY | O_DIRECTORY)
        guard weir_sync_filesystem(folder.raw) == 0 else { throw SystemError("syncfs", path: lake.quarantine) }
    }

    /// Keeps what was set aside, with its reason, under a name that a second load gives again.
    private func keep(_ aside: Aside, _ day: String) throws {
        let folder = "\(lake.quarantine)/dt=\(day)"
        try File.makeDirectory(folder, recursive: true)
        // With its folders: two cameras may write the same under the same name.
        let safe = String(
            aside.source.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-#".contains($0)) ? $0 : "_" }.suffix(
                120))
        let name = "\(folder)/\(aside.sha256.prefix(16))-\(safe)"
        // On disk by the one sync before the partition is published.
        if !aside.content.isEmpty { try File.writeAtomically(name, aside.content) }
        var writer = JSONWriter(indented: true)
        writer.object {
            $0.member("source", aside.source)
            $0.member("sha256", aside.sha256)
            $0.member("reason", aside.rejection.reason)
            $0.member("detail", aside.rejection.detail)
            $0.member("run", run)
        }
        try File.writeAtomically(name + ".reason.json", writer.bytes + [0x0A])
    }
}
