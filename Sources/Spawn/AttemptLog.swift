import CPosix
import Glibc

/// Reading an attempt's log while it grows. Offsets are positions in the file as the task wrote it, so they stay valid
/// when the middle of a log past its cap is freed; what was freed reads as one line `[… N bytes dropped …]`.
public enum AttemptLog {
    public struct Chunk: Sendable, Hashable {
        /// What the task wrote, raw: it may be no UTF-8, and may begin or end in the middle of a line.
        public var bytes: [UInt8]
        /// Where to go on.
        public var nextOffset: Int64
        /// Whether the end of what is written so far was reached.
        public var atEnd: Bool
    }

    /// The part that begins at an offset.
    ///
    /// - Parameter limit: most bytes to read; memory never holds much more.
    public static func read(_ path: String, from offset: Int64 = 0, limit: Int = 1 << 20) throws(SystemError) -> Chunk {
        let file = try FileDescriptor.open(path, O_RDONLY)
        var chunk = Chunk(bytes: [], nextOffset: max(0, offset), atEnd: false)
        while chunk.bytes.count < limit {
            let size = try size(of: file, path)
            let start = chunk.nextOffset
            if start >= size { break }
            let data = weir_seek_data(file.raw, start)
            // ENXIO: nothing but a hole up to the end. Any other error: a file system without holes.
            let dataStart = data >= 0 ? data : (errno == ENXIO ? size : start)
            if dataStart > start {
                // The mark stands on a line of its own, also when an earlier chunk ended right before the hole.
                var last = chunk.bytes.last
                if last == nil, start > 0 { last = try pread(file, 1, at: start - 1, path).first }
                if let last, last != 0x0A, last != 0 { chunk.bytes.append(0x0A) }
                chunk.bytes += "[… \(dataStart - start) bytes dropped …]\n".utf8
                chunk.nextOffset = dataStart
                continue
            }
            let wanted = min(limit - chunk.bytes.count, Int(clamping: holeStart(file, start, size) - start))
            if wanted <= 0 { continue }
            let piece = try pread(file, wanted, at: start, path)
            // The range may have been freed while it was read; the zeros that then came are not the task's.
            if holeStart(file, start, size) - start < piece.count { continue }
            if piece.isEmpty { break }
            chunk.bytes += piece
            chunk.nextOffset += Int64(piece.count)
        }
        chunk.atEnd = chunk.nextOffset >= (try size(of: file, path))
        return chunk
    }

    /// The last `limit` bytes, or all of a shorter log.
    public static func tail(_ path: String, limit: Int = 64 << 10) throws(SystemError) -> Chunk {
        let file = try FileDescriptor.open(path, O_RDONLY)
        return try read(path, from: max(0, try size(of: file, path) - Int64(limit)), limit: limit)
    }

    private static func holeStart(_ file: borrowing FileDescriptor, _ start: Int64, _ size: Int64) -> Int64 {
        let hole = weir_seek_hole(file.raw, start)
        return hole >= 0 ? hole : size
    }

    private static func size(of file: borrowing FileDescriptor, _ path: String) throws(SystemError) -> Int64 {
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { throw SystemError("fstat", path: path) }
        return Int64(status.st_size)
    }

    private static func pread(
        _ file: borrowing FileDescriptor, _ count: Int, at offset: Int64, _ path: String
    ) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let raw = file.raw
        let piece = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let read = Glibc.pread(raw, buffer.baseAddress, count, off_t(offset))
            if read < 0 { failure = SystemError("read", path: path) }
            filled = max(0, read)
        }
        if let failure { throw failure }
        return piece
    }
}
