import CZstd
import Glibc
import Spawn

/// What grows by lines while a load reads its source. It is written as segments at once: when all of its lines are kept, in the
/// order in which they came, as of a new day, nothing has to be written again. Otherwise it is unpacked, and the lines that are kept
/// are read from there.
final class IncomingFile {
    private let folder: String
    private var buffer: [UInt8] = []
    private var flushed = 0
    private var rows = 0
    private var segment: SegmentFile?
    private var finished: [Manifest.DataFile] = []
    private var plain: Plain?

    private static let bufferSize = 1 << 18

    init(_ folder: String) throws {
        self.folder = folder
        try File.makeDirectory(folder, recursive: true)
        buffer.reserveCapacity(Self.bufferSize * 2)
    }

    /// Appends what the body appends to a buffer, a line; where it stands among all lines.
    func append(_ body: (inout [UInt8]) -> Void) throws -> Range<Int> {
        let start = flushed + buffer.count
        body(&buffer)
        rows += 1
        let end = flushed + buffer.count
        if buffer.count >= Self.bufferSize { try flush() }
        return start..<end
    }

    private func flush() throws {
        guard !buffer.isEmpty else { return }
        let name = "\(finished.count + 1)" + SegmentFile.suffix
        let open = try segment ?? SegmentFile(folder: folder, name: name)
        segment = open
        try buffer.withUnsafeBytes { try open.append($0) }
        flushed += buffer.count
        buffer.removeAll(keepingCapacity: true)
        if open.taken >= SegmentFile.enough { try close() }
    }

    private func close() throws {
        guard let open = segment else { return }
        finished.append(try open.close(rows: rows))
        rows = 0
        segment = nil
    }

    /// All lines as segments, which are the caller's to move away. Nothing can be appended or read afterwards.
    func segments() throws -> [(path: String, file: Manifest.DataFile)] {
        try flush()
        try close()
        return finished.map { (folder + "/" + $0.name, $0) }
    }

    // MARK: Reading

    /// What stands in a range.
    func read(_ range: Range<Int>) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try read([range]) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Reads ranges in their order, in pieces of which none is larger than the buffer.
    func read(_ ranges: [Range<Int>], _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let file = try plain ?? Plain(folder + "/plain", of: try segments().map(\.path))
        plain = file
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 16)
        defer { piece.deallocate() }
        for range in merged(ranges) {
            var position = range.lowerBound
            while position < range.upperBound {
                let count = try file.read(piece, at: position, atMost: range.upperBound - position)
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

    /// The lines as they were before they were compressed.
    private final class Plain {
        private let path: String
        private let file: FileDescriptor

        init(_ path: String, of segments: [String]) throws {
            self.path = path
            file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
            for segment in segments { try Self.unpack(segment, to: file.raw, path) }
        }

        private static func unpack(_ segment: String, to output: Int32, _ path: String) throws {
            guard let context = weir_unzstd_new() else { throw SystemError("zstd", path: path, code: ENOMEM) }
            let target = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
            let source = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
            defer {
                weir_unzstd_free(context)
                target.deallocate()
                source.deallocate()
            }
            let input = try FileDescriptor.open(segment, O_RDONLY)
            while true {
                let count = Glibc.read(input.raw, source.baseAddress, source.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw SystemError("read", path: segment) }
                guard count > 0 else { return }
                var rest = UnsafeRawBufferPointer(rebasing: source[..<count])
                var gave = 0
                repeat {
                    var took = 0
                    guard
                        weir_unzstd_step(
                            context, rest.baseAddress, rest.count, &took, target.baseAddress, target.count, &gave) == 0
                    else { throw LakeError("\(segment) is damaged") }
                    rest = UnsafeRawBufferPointer(rebasing: rest[took...])
                    try FileDescriptor.writeAll(
                        UnsafeRawBufferPointer(rebasing: target[..<gave]), to: output, path: path)
                } while !rest.isEmpty || gave == target.count
            }
        }

        /// - Returns: how many bytes were read, at least one.
        func read(_ piece: UnsafeMutableRawBufferPointer, at position: Int, atMost count: Int) throws -> Int {
            while true {
                let count = pread(file.raw, piece.baseAddress, min(piece.count, count), off_t(position))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemError("pread", path: path) }
                return count
            }
        }
    }
}
