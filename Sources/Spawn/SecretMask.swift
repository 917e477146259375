import Glibc
import JSONText

/// Overwrites the values of secrets with asterisks where a task has printed them: in place, so that offsets stay, and
/// before anything but a reader of the running task's log has seen them.
public struct SecretMask {
    /// Longest first: a secret may be part of another.
    private let patterns: [[UInt8]]
    /// What shorter values are is found all over a text: those are left.
    public static let shortest = 4
    /// A line of a longer value, such as a private key, is masked by itself when it has as many bytes.
    private static let shortestLine = 8
    private static let piece = 1 << 20

    private var done: Int64 = 0

    /// Nil when there is nothing to mask.
    public init?(_ values: some Sequence<String>) {
        var patterns: Set<[UInt8]> = []
        for value in values {
            var forms = [value]
            // As it stands inside of a JSON string.
            var writer = JSONWriter()
            writer.node(JSONNode(.string(value)))
            forms.append(String(writer.text.dropFirst().dropLast()))
            // Shorter ones stay for themselves, so their codings do, too.
            if value.utf8.count >= Self.shortest { forms += Self.base64(value) + Self.percentEncoded(value) }
            for form in forms where form.utf8.count >= Self.shortest { patterns.insert(Array(form.utf8)) }
            let lines = value.split(whereSeparator: { $0.isNewline })
            for line in lines where line.utf8.count >= Self.shortestLine { patterns.insert(Array(line.utf8)) }
        }
        guard !patterns.isEmpty else { return nil }
        self.patterns = patterns.sorted {
            $0.count != $1.count ? $0.count > $1.count : $0.lexicographicallyPrecedes($1)
        }
    }

    /// Base64, also with the alphabet of URLs and without padding; and as much of it as does not depend on what follows the
    /// value, often a newline.
    private static func base64(_ value: String) -> [String] {
        let bytes = Array(value.utf8)
        let padded = Base64.encoded(bytes)
        let whole = String(padded.prefix { $0 != "=" })
        return [padded, whole, String(whole.prefix(bytes.count * 8 / 6))].flatMap { form in
            [form, String(form.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })]
        }
    }

    /// As in URLs and forms: with capital and small hexadecimal digits, with a plus for a space, and with the characters
    /// left as they are that the usual functions leave (RFC 3986 none; Python's `quote` the slash; JavaScript's
    /// `encodeURIComponent` some marks).
    private static func percentEncoded(_ value: String) -> [String] {
        let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        var forms: Set<String> = []
        for (left, digits) in ["", "/", "!*'()"].flatMap({ [($0, "0123456789ABCDEF"), ($0, "0123456789abcdef")] }) {
            let kept = Set((unreserved + left).utf8)
            let digits = Array(digits.utf8)
            var form: [UInt8] = []
            for byte in value.utf8 {
                form +=
                    kept.contains(byte)
                    ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
            let text = String(decoding: form, as: UTF8.self)
            forms.insert(text)
            // No other byte ends up as %20.
            forms.insert(text.split(separator: "%20", omittingEmptySubsequences: false).joined(separator: "+"))
        }
        return Array(forms)
    }

    /// Masks all that a file holds; does nothing where there is none.
    public func cover(_ path: String) {
        var mask = self
        mask.done = 0
        mask.pass(path)
    }

    /// Masks what was written since the last pass.
    public mutating func pass(_ path: String) {
        // Not appending: pwrite(2) of a descriptor with O_APPEND writes at the end.
        guard let file = try? FileDescriptor.open(path, O_RDWR) else { return }
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { return }
        let size = Int64(status.st_size)
        if size < done { done = 0 }
        guard size > done, let longest = patterns.first?.count else { return }
        // One may have been written in two pieces.
        var offset = max(0, done - Int64(longest - 1))
        while offset < size {
            var bytes = [UInt8](repeating: 0, count: Int(min(Int64(Self.piece + longest), size - offset)))
            let count = pread(file.raw, &bytes, bytes.count, off_t(offset))
            guard count > 0 else { break }
            for (place, length) in Self.places(of: patterns, in: &bytes, count) {
                let stars = [UInt8](repeating: UInt8(ascii: "*"), count: length)
                _ = pwrite(file.raw, stars, length, off_t(offset + Int64(place)))
            }
            offset += Int64(min(count, Self.piece))
        }
        done = size
    }

    /// A text without them.
    public func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        _ = Self.places(of: patterns, in: &bytes, bytes.count)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where the patterns stand; their bytes become asterisks in the buffer, too.
    private static func places(
        of patterns: [[UInt8]], in bytes: inout [UInt8], _ count: Int
    ) -> [(place: Int, length: Int)] {
        var found: [(place: Int, length: Int)] = []
        bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            for pattern in patterns {
                var start = 0
                while start + pattern.count <= count,
                    let first = memchr(base + start, Int32(pattern[0]), count - start - pattern.count + 1)
                {
                    let place = UnsafeMutableRawPointer(first) - base
                    guard memcmp(base + place, pattern, pattern.count) == 0 else {
                        start = place + 1
                        continue
                    }
                    memset(base + place, Int32(UInt8(ascii: "*")), pattern.count)
                    found.append((place, pattern.count))
                    start = place + pattern.count
                }
            }
        }
        return found
    }
}
