import Glibc
import Spawn

/// A file that grows by lines while a load reads its source, and of which the lines that are kept are copied out.
final class IncomingFile {
    private let path: String
    private let file: FileDescriptor
    private var buffer: [UInt8] = []
    private var size = 0

    private static let bufferSize = 1 << 20

    init(_ path: String) throws {
        self.path = path
        try File.makeDirectory(File.parent(of: path), recursive: true)
        file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
    }

    /// Appends a line; its offset.
    func append(_ line: [UInt8]) throws -> Int {
        let offset = size
        buffer += line
        size += line.count
        if buffer.count >= Self.bufferSize { try flush() }
        return offset
    }

    private func flush() throws {
        guard !buffer.isEmpty else { return }
        try file.writeAll(buffer, path: path)
        buffer.removeAll(keepingCapacity: true)
    }

    /// What stands in a range.
    func read(_ range: Range<Int>) throws -> [UInt8] {
        try flush()
        var bytes = [UInt8](repeating: 0, count: range.count)
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    file.raw, buffer.baseAddress.map { $0 + position }, buffer.count - position,
                    off_t(range.lowerBound + position))
            }
            guard count > 0 else { throw SystemError("pread", path: path) }
            position += count
        }
        return bytes
    }

    /// Copies ranges, in their order, to a new file; its size and SHA-256.
    func copy(_ ranges: [Range<Int>], to target: String) throws -> (bytes: Int64, sha256: String) {
        try flush()
        let output = try FileDescriptor.open(target, O_WRONLY | O_CREAT | O_TRUNC)
        var hash = SHA256()
        var total: Int64 = 0
        for range in merged(ranges) {
            var position = range.lowerBound
            while position < range.upperBound {
                var chunk = [UInt8](repeating: 0, count: min(Self.bufferSize, range.upperBound - position))
                let count = pread(file.raw, &chunk, chunk.count, off_t(position))
                guard count > 0 else { throw SystemError("pread", path: path) }
                chunk.removeSubrange(count...)
                chunk.withUnsafeBytes { hash.update($0) }
                try output.writeAll(chunk, path: target)
                position += count
                total += Int64(count)
            }
        }
        return (total, SHA256.hexadecimal(hash.digest()))
    }

    /// Neighbouring ranges as one, so that a whole file is copied in large pieces.
    private func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var merged: [Range<Int>] = []
        for range in ranges {
            if let last = merged.last, last.upperBound == range.lowerBound {
                merged[merged.count - 1] = last.lowerBound..<range.upperBound
            } else {
                merged.append(range)
            }
        }
        return merged
    }
}
