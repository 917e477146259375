import Glibc
import Spawn

/// A folder that goes away with its owner.
final class Scratch {
    let path: String

    init() throws {
        path = "/tmp/weir-s3-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try File.makeDirectory(path)
    }

    deinit { try? File.removeTree(path) }
}
