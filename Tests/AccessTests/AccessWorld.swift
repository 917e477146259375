import Glibc
import SchedulerCore
import Testing

@testable import Access

/// A database of users in a folder of its own, and a clock that only the test moves.
final class AccessWorld {
    let folder: String
    let store: AccessStore
    var now = Instant(seconds: 1_800_000_000)

    var path: String { folder + "/access.db" }
    var authenticator: Authenticator { Authenticator(store) }

    static let password = "correct horse battery"

    init(limits: LockOut.Limits = LockOut.Limits()) throws {
        var template = Array("/tmp/weir-access-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        folder = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        store = try AccessStore(path: folder + "/access.db", limits: limits)
    }

    deinit {
        for name in ["", "-wal", "-shm", ".before-2"] { unlink(path + name) }
        rmdir(folder)
    }

    func pass(_ seconds: Int64) { now = now + TimeAmount(seconds: seconds) }

    func add(_ name: String, _ role: Role = .viewer, password: String = AccessWorld.password) throws {
        try store.addUser(name, role: role, password: password, by: "os:test", now: now)
    }

    func signIn(
        _ name: String, _ password: String = AccessWorld.password, from address: String = "192.0.2.1"
    ) -> Result<SignedIn, AccessRefusal> {
        store.signIn(name: name, password: password, address: address, now: now)
    }

    func token(_ user: String, role: Role? = nil, dags: [String]? = nil, expires seconds: Int64? = nil) throws -> (
        id: String, text: String
    ) {
        let made = try store.createToken(
            user: user, name: "test", role: role, dags: dags,
            expiresAt: seconds.map { now + TimeAmount(seconds: $0) }, by: "os:test", now: now)
        return (made.token.id, made.text)
    }

    /// A request with a session.
    func ask(
        _ session: String?, csrf: String? = nil, _ method: String = "GET", authorization: String? = nil
    ) -> Result<Principal, AccessRefusal> {
        authenticator.authenticate(
            authorization: authorization, session: session, csrf: csrf, method: method, address: "192.0.2.1", now: now)
    }

    /// A request with a token.
    func ask(token: String) -> Result<Principal, AccessRefusal> { ask(nil, authorization: "Bearer \(token)") }
}

extension Result {
    var failure: Failure? {
        if case .failure(let failure) = self { return failure }
        return nil
    }
    var success: Success? {
        if case .success(let success) = self { return success }
        return nil
    }
}

/// The error of something that fails.
func failure<Value>(_ body: () throws(AccessError) -> Value) -> AccessError? {
    do throws(AccessError) {
        _ = try body()
        return nil
    } catch { return error }
}
