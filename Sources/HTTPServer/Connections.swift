import Dispatch
import Glibc
import Synchronization

/// The connections of a server that have not said yet what they want. libmicrohttpd closes those that are silent; one that
/// sends a byte now and then would stay for ever ("slow loris").
final class Connections: Sendable {
    /// One connection. Made when it begins and kept with it.
    final class Connection: Sendable {
        fileprivate let socket: Int32
        /// Nanoseconds of the monotonic clock until which the head of the next request must have come; 0 while a request is
        /// handled.
        fileprivate let deadline: Atomic<UInt64>

        fileprivate init(_ socket: Int32, _ deadline: UInt64) {
            self.socket = socket
            self.deadline = Atomic(deadline)
        }

        /// A whole head is there.
        func headArrived() { deadline.store(0, ordering: .relaxed) }
    }

    private let open = Mutex<[ObjectIdentifier: Connection]>([:])
    private let headNanoseconds: UInt64
    private let idleNanoseconds: UInt64

    /// - Parameters:
    ///   - headSeconds: within which a head must come after a connection has begun.
    ///   - idleSeconds: for which a connection may also be silent between two requests.
    init(headSeconds: UInt32, idleSeconds: UInt32) {
        headNanoseconds = UInt64(headSeconds) * 1_000_000_000
        idleNanoseconds = UInt64(idleSeconds) * 1_000_000_000
    }

    func began(_ socket: Int32) -> Connection {
        let new = Connection(socket, Self.now + headNanoseconds)
        let isFirst = open.withLock { open in
            open[ObjectIdentifier(new)] = new
            return open.count == 1
        }
        if isFirst { look() }
        return new
    }

    func ended(_ connection: Connection) {
        // Under the same lock as the cut: a socket's number belongs to somebody else once this has returned.
        open.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// A request was answered; there may be another one.
    func answered(_ connection: Connection) {
        connection.deadline.store(Self.now + idleNanoseconds + headNanoseconds, ordering: .relaxed)
    }

    /// Looks while there are connections.
    private func look() {
        let wait = min(1_000_000_000, headNanoseconds / 2)
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(wait))) { [weak self] in
            guard let self else { return }
            if cut() { look() }
        }
    }

    private func cut() -> Bool {
        let now = Self.now
        return open.withLock { open in
            for connection in open.values {
                let deadline = connection.deadline.load(ordering: .relaxed)
                if deadline != 0, deadline < now { shutdown(connection.socket, Int32(SHUT_RDWR)) }
            }
            return !open.isEmpty
        }
    }

    private static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }
}
