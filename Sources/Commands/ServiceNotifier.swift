import CPosix
import Glibc
import Observability

/// Tells the service manager how the daemon is, by the protocol of sd_notify(3): datagrams to the socket that
/// `NOTIFY_SOCKET` names. Without one nothing is sent.
struct ServiceNotifier: Sendable {
    private let address: String?
    /// Microseconds within which the manager wants a sign of life; nil when it wants none.
    let watchdogMicroseconds: Int64?

    init(environment: (String) -> String?) {
        let given = environment("NOTIFY_SOCKET")
        // A path, or with an @ a name in the abstract space (unix(7)).
        address = given.flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        if let given, address == nil {
            Log.warning("cannot notify the service manager: no such kind of socket", ["NOTIFY_SOCKET": given])
        }
        // Of the service manager's variables this one may be meant for another process.
        let isMine = environment("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
        let interval = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdogMicroseconds = address != nil && isMine && interval > 0 ? interval : nil
    }

    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)") }
    func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(WallClock.monotonic())\nSTATUS=reloading") }
    func stopping() { send("STOPPING=1\nSTATUS=stopping") }
    func status(_ text: String) { send("STATUS=\(text)") }
    func alive(_ status: String) { send("WATCHDOG=1\nSTATUS=\(status)") }

    private func send(_ message: String) {
        guard let address else { return }
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        // A manager that does not read must not stop the daemon.
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        var name = Array(address.utf8)
        guard name.count < MemoryLayout.size(ofValue: target.sun_path) else { return }
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: name) }
        // An abstract name is as long as the address says, with no zero at its end.
        let head = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let size = socklen_t(head + name.count)
        let bytes = Array(message.utf8)
        let sent = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, size)
            }
        }
        if sent < 0 { Log.debug("the service manager could not be notified", ["errno": "\(errno)"]) }
    }
}
