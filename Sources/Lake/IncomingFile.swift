import Glibc
import Spawn

/// A file that grows by lines while a load reads its source, and of which the lines that are kept are copied out.
final class IncomingFile {
    private let path: String
    private let file: FileDescriptor
    private var buffer: [UInt8] = []
    private var flushed = 0

    private static let bufferSize = 1 << 18

    init(_ path: String) throws {
        self.path = path
        try File.makeDirectory(File.parent(of: path), recursive: true)
        file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
        buffer.reserveCapacity(Self.bufferSize * 2)
    }

    /// Appends what the body appends to a buffer; where it stands.
    func append(_ body: (inout [UInt8]) -> Void) throws -> Range<Int> {
        let start = flushed + buffer.count
        body(&buffer)
        let end = flushed + buffer.count
        if buffer.count >= Self.bufferSize { try flush() }
        return start..<end
    }

    private func flush() throws {
        guard !buffer.isEmpty else { return }
        try file.writeAll(buffer, path: path)
        flushed += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }

    /// What stands in a range.
    func read(_ range: Range<Int>) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try read([range]) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Reads ranges in their order, in pieces of which none is larger than the buffer.
    func read(_ ranges: [Range<Int>], _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try flush()
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 16)
        defer { piece.deallocate() }
        for range in merged(ranges) {
            var position = range.lowerBound
            while position < range.upperBound {
                let count = pread(
                    file.raw, piece.baseAddress, Swift.min(piece.count, range.upperBound - position), off_t(position))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemError("pread", path: path) }
                try body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                position += count
            }
        }
    }

    /// Neighbouring ranges as one, so that a whole file is read in large pieces.
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
