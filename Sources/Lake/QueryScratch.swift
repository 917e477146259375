import Glibc
import Spawn

/// A folder of one query in TMPDIR or /tmp: for what does not fit into memory, and for an answer that is a file. Gone with
/// its owner; one that a killed query left goes with the first query a day later.
struct QueryScratch: ~Copyable {
    let path: String

    private static let prefix = "weir-query-"
    private static let abandonedMicroseconds: Int64 = 86_400_000_000

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", path: parent) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let now = File.status(path)?.modified ?? 0
        for name in (try? File.list(parent)) ?? [] where name.hasPrefix(Self.prefix) {
            let former = parent + "/" + name
            guard let status = File.status(former, followLinks: false),
                status.modified < now - Self.abandonedMicroseconds
            else { continue }
            // Those of other users stay where they are.
            try? File.removeTree(former)
        }
    }

    deinit { try? File.removeTree(path) }
}
