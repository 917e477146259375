/// `s3://bucket/prefix`: a bucket, and where in it.
public struct S3Location: Sendable, Hashable, CustomStringConvertible {
    public let bucket: String
    /// Without `/` at its ends; may be empty.
    public let prefix: String

    public static let scheme = "s3://"

    /// Nil for other texts, and for names that no bucket can have (Amazon S3 User Guide, "Bucket naming rules").
    public init?(_ text: String) {
        guard text.hasPrefix(Self.scheme) else { return nil }
        let parts = text.dropFirst(Self.scheme.count).split(
            separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bucket = parts.first, Self.isBucket(bucket) else { return nil }
        let prefix = parts.count > 1 ? parts[1].split(separator: "/", omittingEmptySubsequences: false) : []
        let trimmed = prefix.drop { $0.isEmpty }.reversed().drop { $0.isEmpty }.reversed()
        // "a//b", "." and ".." are keys of S3, and nothing that file systems and URLs tell apart.
        guard trimmed.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
        self.bucket = String(bucket)
        self.prefix = trimmed.joined(separator: "/")
    }

    private static func isBucket(_ name: Substring) -> Bool {
        func isLetterOrDigit(_ byte: UInt8?) -> Bool {
            byte.map { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) } ?? false
        }
        let bytes = name.utf8
        return (3...63).contains(bytes.count) && isLetterOrDigit(bytes.first) && isLetterOrDigit(bytes.last)
            && bytes.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
            && !name.contains("..")
    }

    public var description: String { Self.scheme + bucket + (prefix.isEmpty ? "" : "/" + prefix) }
}
