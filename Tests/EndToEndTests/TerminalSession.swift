import Glibc
import Spawn
import Testing

/// A command at a terminal of its own, and the person who types there.
final class TerminalSession {
    private let master: Int32
    private let pid: pid_t
    private var status: Int32?
    /// What stands on the screen.
    private(set) var screen = ""
    /// All that ever stood there.
    private(set) var all = ""

    /// Whether what is typed is shown.
    var echoes: Bool {
        var settings = termios()
        return tcgetattr(master, &settings) == 0 && settings.c_lflag & tcflag_t(ECHO) != 0
    }

    /// TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), and POSIX_SPAWN_SETSID.
    private static let lock = UInt(0x4004_5431)
    private static let number = UInt(0x8004_5430)
    private static let ownSession = Int16(0x80)

    init(_ home: WeirHome, _ words: String...) throws {
        // As posix_openpt(3), unlockpt(3) and ptsname(3), which Swift does not see.
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (locked, number) = (Int32(0), Int32(0))
        try #require(master >= 0 && ioctl(master, Self.lock, &locked) == 0 && ioctl(master, Self.number, &number) == 0)
        let terminal = "/dev/pts/\(number)"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The first terminal that the leader of a session opens is its own: Ctrl-C there reaches it.
        posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Self.ownSession)
        let program = WeirHome.products + "/weir"
        let environment = home.environment.merging(["TERM": "xterm", "NO_COLOR": "1"]) { _, new in new }
        let arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var started: pid_t = 0
        let failure = posix_spawn(&started, program, &actions, &attributes, arguments, variables)
        try #require(failure == 0)
        pid = started
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        close(master)
    }

    /// Waits until a text stands on the screen, after what was waited for before.
    func wait(for text: String) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !screen.contains(text) {
            try #require(ContinuousClock.now < deadline, "waited in vain for '\(text)': \(screen)")
            try #require(read(), "it ended without '\(text)': \(screen)")
        }
        if let found = screen.firstRange(of: text) { screen = String(screen[found.upperBound...]) }
    }

    /// What the person types; `\u{3}` is Ctrl-C.
    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(master, bytes, bytes.count)
    }

    /// Waits for its end: the exit status.
    func end() throws -> Int32 {
        let deadline = ContinuousClock.now + .seconds(60)
        while read() { try #require(ContinuousClock.now < deadline, "it does not end: \(screen)") }
        var code: Int32 = 0
        while waitpid(pid, &code, 0) < 0 && errno == EINTR {}
        status = code
        return code & 0x7F == 0 ? code >> 8 & 0xFF : 128 + code & 0x7F
    }

    /// Takes what was written; false when the terminal is closed.
    private func read() -> Bool {
        var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, 100) > 0 else { return true }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(master, &bytes, bytes.count)
        guard count > 0 else { return count < 0 && errno == EINTR }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        screen += text
        all += text
        return true
    }
}
