import Glibc
import Spawn

/// The data files of a raw partition.
enum Segments {
    /// A source that is looked at often would leave thousands of small files in a day.
    private static let mostSmall = 32
    private static let small: Int64 = 8 << 20

    /// Brings the segments of a partition into its next generation: as they are, or the small ones as one when there are many.
    static func carryOver(
        _ files: [Manifest.DataFile], from partition: Partition, to folder: String
    ) throws -> [Manifest.DataFile] {
        let small = files.filter { $0.bytes < Self.small && $0.name.hasSuffix(SegmentFile.suffix) }
        let merges = small.count >= mostSmall
        var kept = merges ? files.filter { file in !small.contains { $0.name == file.name } } : files
        // In S3 they stay where they are, and the next manifest names them, too.
        for file in kept where partition.remote == nil {
            guard link(partition.path + "/" + file.name, folder + "/" + file.name) == 0 else {
                throw SystemError("link", path: folder + "/" + file.name)
            }
        }
        if merges { kept.append(try merge(small, of: partition, to: folder, name: name(after: files.map(\.name)))) }
        return kept
    }

    /// One segment with the lines of several, in their order: compressed frames may be joined.
    private static func merge(
        _ files: [Manifest.DataFile], of partition: Partition, to folder: String, name: String
    ) throws -> Manifest.DataFile {
        let target = folder + "/" + name
        let output = try FileDescriptor.open(target, O_WRONLY | O_CREAT | O_TRUNC)
        for file in files {
            try output.writeAll(try partition.read(file.name, limit: Int(small)), path: target)
        }
        let (bytes, sha256) = try SHA256.file(target)
        guard bytes == files.reduce(0, { $0 + $1.bytes }) else {
            throw LakeError("\(partition.name): its segments have other sizes than its manifest says; restore the day")
        }
        return .init(name: name, rows: files.reduce(0) { $0 + $1.rows }, bytes: bytes, sha256: sha256)
    }

    private static func precedes(_ first: RawLoader.Record, _ second: RawLoader.Record, _ order: [Int32]) -> Bool {
        // Neighbours mostly differ in their number only.
        if first.key.source == second.key.source, first.key.time == second.key.time {
            return first.key.number < second.key.number
        }
        let one = (order[Int(first.key.source)], order[Int(first.key.time)], first.key.number)
        return one < (order[Int(second.key.source)], order[Int(second.key.time)], second.key.number)
    }

    /// Whether each record has a higher place than the one before it, so that no two have one key.
    static func rise(_ records: [RawLoader.Record], order: [Int32]) -> Bool {
        zip(records, records.dropFirst()).allSatisfy { precedes($0, $1, order) }
    }

    /// Takes all lines as they came as the segments of a new day.
    static func take(_ incoming: IncomingFile, to folder: String) throws -> [Manifest.DataFile] {
        var files: [Manifest.DataFile] = []
        for (path, file) in try incoming.segments() {
            var own = file
            own.name = name(after: files.map(\.name))
            guard rename(path, folder + "/" + own.name) == 0 else { throw SystemError("rename", path: path) }
            files.append(own)
        }
        return files
    }

    /// Writes records in the order of source, time and number, which converting them would have to make otherwise.
    /// - Parameters:
    ///   - names: of the segments that there are.
    ///   - order: the places of the records' names in the order of their texts.
    static func write(
        _ records: [RawLoader.Record], from incoming: IncomingFile, to folder: String, after names: [String],
        order: [Int32]
    ) throws -> [Manifest.DataFile] {
        var records = records
        // Mostly they came so.
        if !rise(records, order: order) { records.sort { precedes($0, $1, order) } }
        var files: [Manifest.DataFile] = []
        var names = names
        var rest = records[...]
        while !rest.isEmpty {
            var size = 0
            let part = rest.prefix { record in
                defer { size += record.line.count }
                return size < SegmentFile.enough
            }
            let segment = try SegmentFile(folder: folder, name: name(after: names))
            try incoming.read(part.map(\.line)) { try segment.append($0) }
            names.append(segment.name)
            files.append(try segment.close(rows: part.count))
            rest = rest.dropFirst(part.count)
        }
        return files
    }

    /// The name of the next segment.
    private static func name(after names: [String]) -> String {
        let last = names.compactMap { name in Int(name.filter { ("0"..."9").contains($0) }) }.max() ?? 0
        let digits = String(last + 1)
        return "segment-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + SegmentFile.suffix
    }
}
