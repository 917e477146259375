import Glibc
import Spawn

/// A folder of one query in TMPDIR or /tmp: for what does not fit into memory, and for an answer that is a file. Gone with
/// its owner; what a killed query leaves there is left to the system, as all of /tmp is.
struct QueryScratch: ~Copyable {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/weir-query-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", path: parent) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? File.removeTree(path) }
}
