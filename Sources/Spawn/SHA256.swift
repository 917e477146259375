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
    /// The 32 bytes of a digest, as four numbers whose order is that of its hexadecimal text.
    public struct Digest: Hashable, Comparable, Sendable {
        private var words: (UInt64, UInt64, UInt64, UInt64)

        /// - Parameter bytes: at least 32; the first ones count.
        public init(_ bytes: UnsafeRawBufferPointer) {
            func word(_ place: Int) -> UInt64 {
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self))
            }
            words = (word(0), word(1), word(2), word(3))
        }

        /// - Returns: nil for what is not 64 hexadecimal digits in lower case.
        public init?(hexadecimal text: some Collection<UInt8>) {
            guard text.count == 64 else { return nil }
            words = (0, 0, 0, 0)
            var word: UInt64 = 0
            var place = 0
            for byte in text {
                let digit: UInt8
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
                default: return nil
                }
                word = word << 4 | UInt64(digit)
                place += 1
                switch place {
                case 16: words.0 = word
                case 32: words.1 = word
                case 48: words.2 = word
                case 64: words.3 = word
                default: break
                }
            }
        }

        /// Of one piece.
        public init(of bytes: UnsafeRawBufferPointer) {
            var hash = SHA256()
            hash.update(bytes)
            self = hash.finish()
        }

        public static func == (first: Digest, second: Digest) -> Bool {
            first.words == second.words
        }

        public static func < (first: Digest, second: Digest) -> Bool { first.words < second.words }

        /// Any part of a digest tells as much as the whole.
        public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

        public var hexadecimal: String {
            var text: [UInt8] = []
            append(to: &text)
            return String(decoding: text, as: UTF8.self)
        }

        /// Appends the 64 hexadecimal digits.
        public func append(to text: inout [UInt8]) {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { digits in
                var place = 0
                func put(_ word: UInt64) {
                    for shift in stride(from: 60, through: 0, by: -4) {
                        let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                        digits[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
                        place += 1
                    }
                }
                put(words.0)
                put(words.1)
                put(words.2)
                put(words.3)
                text.append(contentsOf: digits)
            }
        }
    }

    /// The digest of what was fed, without an array for its bytes; what is fed afterwards begins anew.
    public mutating func finish() -> Digest {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digest in
            weir_sha256_final(context, digest.baseAddress)
            weir_sha256_init(context)
            return Digest(UnsafeRawBufferPointer(digest))
        }
    }

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
