import CSodium

/// 256 random bits as text, and what is stored of them: their SHA-256. They are too many to be guessed, so that a slow hash
/// would win nothing.
enum Secret {
    /// 64 hexadecimal digits.
    static func random(bytes count: Int = 32) -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        weir_random(&bytes, count)
        return hex(bytes)
    }

    /// SHA-256 of a text, as 64 hexadecimal digits.
    static func digest(_ text: String) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        let bytes = Array(text.utf8)
        weir_sodium_sha256(&digest, bytes, bytes.count)
        return hex(digest)
    }

    /// In a time that tells nothing of the contents.
    static func areEqual(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        return a.count == b.count && weir_equal(a, b, a.count)
    }

    /// Whether it can be what `random` gave.
    static func isPossible(_ text: some StringProtocol, bytes count: Int = 32) -> Bool {
        text.utf8.count == 2 * count && text.utf8.allSatisfy { digits.contains($0) }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func hex(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.count)
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
