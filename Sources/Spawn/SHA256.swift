import CDigest
import Glibc

/// SHA-256 (FIPS 180-4), fed in pieces.
public struct SHA256: ~Copyable {
    private let context: UnsafeMutableRawPointer

    public init() {
        context = .allocate(byteCount: weir_sha256_context_size(), alignment: 16)
        weir_sha256_init(context)
    }

    deinit { context.deallocate() }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        weir_sha256_update(context, bytes.baseAddress, bytes.count)
    }

    public mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// The 32 bytes of the digest. The context must not be used afterwards.
    public consuming func digest() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        weir_sha256_final(context, &digest)
        return digest
    }

    /// The digest of one piece, in lower-case hexadecimal.
    public static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return hexadecimal(hash.digest())
    }

    public static func hex(_ text: String) -> String {
        var hash = SHA256()
        hash.update(text)
        return hexadecimal(hash.digest())
    }

    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

extension SHA256 {
    /// Size and digest of a file, read in pieces.
    public static func file(_ path: String) throws(SystemError) -> (bytes: Int64, sha256: String) {
        let file = try FileDescriptor.open(path, O_RDONLY)
        var hash = SHA256()
        var total: Int64 = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(file.raw, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", path: path) }
            guard count > 0 else { return (total, hexadecimal(hash.digest())) }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            total += Int64(count)
        }
    }
}
