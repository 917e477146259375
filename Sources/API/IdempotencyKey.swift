import Engine
import HTTPServer
import SchedulerCore
import Spawn

extension APIRequest {
    static let keyHeader = "Idempotency-Key"
    private static let longestKey = 255

    /// The key that the client has given to this request, so that it can send it again without harm
    /// (draft-ietf-httpapi-idempotency-key-header); nil when there is none.
    func key() throws(Problem) -> RequestKey? {
        guard var key = http.header(Self.keyHeader) else { return nil }
        // A string of structured fields (RFC 9651), or as it is.
        if key.count > 2, key.hasPrefix("\""), key.hasSuffix("\"") { key = String(key.dropFirst().dropLast()) }
        guard (1...Self.longestKey).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw Problem(
                400, "the header \(Self.keyHeader) must be 1 to \(Self.longestKey) printable characters of ASCII",
                code: .invalid)
        }
        var hash = SHA256()
        // Lengths first, so that no two requests give the same bytes.
        hash.update("\(http.method) \(http.path.utf8.count) \(http.path) ")
        http.body.withUnsafeBytes { hash.update($0) }
        return RequestKey(
            caller: caller.name, key: key, fingerprint: SHA256.hexadecimal(hash.digest()),
            encode: { String(decoding: ReplyCoding.encode($0), as: UTF8.self) })
    }
}
