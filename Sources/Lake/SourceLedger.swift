import Glibc
import Spawn

/// Which files of a source were taken, so that a second look at the source reads none of them. A cache: the truth is in
/// the partitions' indexes, and without it files are only read again.
struct SourceLedger {
    private let path: String
    private var taken: [String: String] = [:]
    /// The days that records of these files went into.
    private(set) var days: Set<String> = []

    init(_ path: String) {
        self.path = path
        guard let bytes = try? File.read(path, limit: 1 << 30) else { return }
        for line in bytes.split(separator: 0x0A) {
            let parts = line.split(separator: 0x20, maxSplits: 1)
            // A line that was cut off by a crash is passed over.
            guard parts.count == 2 else { continue }
            if parts[0].elementsEqual("day".utf8) {
                days.insert(String(decoding: parts[1], as: UTF8.self))
                continue
            }
            taken[String(decoding: parts[1], as: UTF8.self)] = String(decoding: parts[0], as: UTF8.self)
        }
    }

    /// A path on one line.
    private static func line(_ path: String) -> String {
        path.contains(where: { $0 == "\n" || $0 == "\\" })
            ? path.map { $0 == "\n" ? "\\n" : $0 == "\\" ? "\\\\" : String($0) }.joined() : path
    }

    func has(_ file: LandingFile) -> Bool { taken[Self.line(file.path)] == file.stamp }

    /// The ledger of a source of which nothing is known.
    func forgotten() throws -> SourceLedger {
        try File.removeTree(path)
        return SourceLedger(path)
    }

    /// Notes files as taken, once what was in them is published to these days.
    func append(_ files: [LandingFile], days new: [String]) throws {
        guard !files.isEmpty else { return }
        try File.makeDirectory(File.parent(of: path), recursive: true)
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
        var bytes: [UInt8] = []
        for day in new where !days.contains(day) { bytes += "day \(day)\n".utf8 }
        for file in files { bytes += "\(file.stamp) \(Self.line(file.path))\n".utf8 }
        try file.writeAll(bytes, path: path)
        guard fsync(file.raw) == 0 else { throw SystemError("fsync", path: path) }
    }
}
