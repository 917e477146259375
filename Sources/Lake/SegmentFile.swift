import CZstd
import Glibc
import Spawn

/// A segment of a raw partition while it is written: lines, compressed by Zstandard. Segments may be joined byte by byte,
/// because a file of several frames is one too (RFC 8878, 3.1).
final class SegmentFile {
    static let suffix = ".ndjson.zst"
    /// So many bytes of lines are enough for one: DuckDB reads each of them in one thread.
    static let enough = 128 << 20

    let name: String
    private let path: String
    private let file: FileDescriptor
    private let context: UnsafeMutableRawPointer
    private let output: UnsafeMutableRawBufferPointer
    private var hash = SHA256()
    private var size: Int64 = 0
    /// Bytes of lines so far.
    private(set) var taken = 0

    /// Fast, and a fifth of the size: what is kept for a year is compressed once more, and better.
    private static let level: Int32 = 1

    init(folder: String, name: String) throws {
        self.name = name
        path = folder + "/" + name
        file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        guard let context = weir_zstd_new(Self.level) else { throw SystemError("zstd", path: path, code: ENOMEM) }
        self.context = context
        output = .allocate(byteCount: weir_zstd_output_size(), alignment: 16)
    }

    deinit {
        weir_zstd_free(context)
        output.deallocate()
    }

    /// Adds a piece of lines.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        taken += bytes.count
        try compress(bytes, isEnd: false)
    }

    /// Ends the file.
    func close(rows: Int) throws -> Manifest.DataFile {
        try compress(UnsafeRawBufferPointer(start: nil, count: 0), isEnd: true)
        return .init(name: name, rows: Int64(rows), bytes: size, sha256: hash.finish().hexadecimal)
    }

    private func compress(_ bytes: UnsafeRawBufferPointer, isEnd: Bool) throws {
        var rest = bytes
        while true {
            var took = 0
            var gave = 0
            let left = weir_zstd_step(
                context, rest.baseAddress, rest.count, &took, output.baseAddress, output.count, &gave, isEnd ? 1 : 0)
            guard left >= 0 else { throw LakeError("\(path): zstd cannot compress it") }
            rest = UnsafeRawBufferPointer(rebasing: rest[took...])
            let given = UnsafeRawBufferPointer(rebasing: output[..<gave])
            hash.update(given)
            size += Int64(gave)
            try file.writeAll(given, path: path)
            if rest.isEmpty, !isEnd || left == 0 { return }
        }
    }
}
