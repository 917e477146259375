import CPosix
import Glibc
import JSONText
import ObjectStore
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

    struct Record {
        var source: RecordSource
        var digest: SHA256.Digest
        var key: RecordKey
        var rank: Int32
        /// Its line in the day's incoming file.
        var line: Range<Int>
    }

    struct Aside {
        var source: RecordSource
        var digest: SHA256.Digest
        var rejection: Rejection
        /// Empty for what has no content, such as a folder.
        var content: [UInt8]
    }

    /// The new records of one day.
    struct Day {
        var records: [Record] = []
        var asides: [Aside] = []
        let incoming: IncomingFile
    }

    let lake: LakeRoot
    let bucket: String
    private let schema: RecordSchema
    let run: String
    private let eventTime: EventTime
    let publisher: Publisher

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
        try load(LandingFolder(path: landing), named: landing, day: day, remove: remove)
    }

    /// Loads objects of S3 that are new. They stay where they are.
    ///
    /// - Parameters:
    ///   - variable: of the environment, for the settings of S3.
    public func load(from landing: S3Landing, day: String, variable: (String) -> String?) throws -> Report {
        let location = landing.location
        let store = S3Store(bucket: location.bucket, settings: try S3Settings(variable: variable))
        return try load(LandingBucket(location, store: store), named: "\(location)", day: day, remove: false)
    }

    private func load(_ place: some LandingPlace, named landing: String, day: String, remove: Bool) throws -> Report {
        let id = String(SHA256.hex(landing).prefix(16))
        // One loader of a source at a time; the others wait, and then find nothing new.
        return try FileLock.hold("\(lake.path)/.locks/source-\(id)") {
            try loadLocked(place, ledger: SourceLedger("\(lake.ledgers)/\(id)"), day: day, remove: remove)
        }
    }

    private func loadLocked(
        _ place: some LandingPlace, ledger: SourceLedger, day: String, remove: Bool
    ) throws -> Report {
        var ledger = ledger
        // Somebody has removed what was loaded: the files are read again.
        let present = Set(try lake.days(bucket))
        if !ledger.days.isSubset(of: present) {
            ledger = try ledger.forgotten()
        }
        let files = try place.files()
        let new = files.filter { !ledger.has($0) }
        // Those that an earlier load took, and was killed before it removed them.
        var taken = files.filter { ledger.has($0) }
        var report = Report()
        report.newFiles = new.count
        if !new.isEmpty {
            var reader = RecordReader(lake: lake, schema: schema, eventTime: eventTime, fallback: day)
            var complete: [LandingFile] = []
            try place.read(new) { file, content in
                if try reader.take(file, content) { complete.append(file) }
            }
            let names = reader.names
            let days = reader.takeDays()
            Fault.point("load.before_publish")
            for (name, content) in days.sorted(by: { $0.key < $1.key }) {
                guard let manifest = try publish(content, day: name, names) else { continue }
                if manifest.archived == nil {
                    report.days[name] = manifest
                } else {
                    report.closed[name] = content.records.count
                }
            }
            Fault.point("load.before_ledger")
            try ledger.append(complete, days: days.keys.sorted())
            taken += complete
        }
        // An earlier attempt that has published a day may not have come so far as to tell.
        let days = ledger.days.union(report.days.keys)
        for (day, manifest) in try lake.manifests(bucket, where: days.contains)
        where manifest.run == run && manifest.archived == nil {
            report.generations[day] = manifest.generation
        }
        Fault.point("load.before_removal")
        if remove {
            for file in taken { place.remove(file) }
        }
        return report
    }
}
