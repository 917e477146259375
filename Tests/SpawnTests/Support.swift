import CPosix
import Glibc
import Testing

@testable import Spawn

/// A new directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-spawn-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? File.removeTree(path) }
}

struct TimedOut: Error { var what: String }

/// Looks at a condition until it holds; throws when it does not within half a minute.
func wait(for what: String, _ condition: () throws -> Bool) throws {
    let deadline = BootClock.after(30_000_000)
    while try !condition() {
        if BootClock.now() > deadline { throw TimedOut(what: what) }
        usleep(2000)
    }
}

/// The folder of build products, where the test program and weir-supervise lie.
let products: String = {
    var folder = File.parent(of: (try? realPath("/proc/self/exe")) ?? "")
    // The test program may stand in a bundle.
    while folder != "/", !File.exists(folder + "/weir-supervise") { folder = File.parent(of: folder) }
    return folder
}()

private func realPath(_ path: String) throws -> String {
    guard let resolved = realpath(path, nil) else { throw SystemError("realpath", path: path) }
    defer { free(resolved) }
    return String(cString: resolved)
}

/// An attempt of `sh -c` and its directory.
struct TestAttempt {
    let folder: TemporaryDirectory
    let directory: AttemptDirectory
    var spec: AttemptSpec

    init(_ script: String) throws { try self.init(argv: ["sh", "-c", script]) }

    init(argv: [String]) throws {
        folder = try TemporaryDirectory()
        directory = AttemptDirectory(path: folder.path + "/attempt")
        spec = AttemptSpec(
            attempt: 17, token: AttemptSpec.randomToken(), argv: argv, cwd: folder.path,
            env: ["PATH": Program.defaultPath, "WEIR_OUTPUT": directory.output, "DIR": folder.path],
            graceMicroseconds: 200_000)
        try directory.create()
    }

    /// Starts a supervisor; the process is a child of the test program and has to be waited for.
    func start() throws -> SupervisorLauncher.Launched {
        try spec.write(to: directory)
        return try launch()
    }

    func launch() throws -> SupervisorLauncher.Launched {
        try SupervisorLauncher.start(program: products + "/weir-supervise", directory: directory)
    }

    /// Runs a supervisor to its end.
    func run() throws -> AttemptResult {
        try waitForEnd(of: start())
        return try result()
    }

    func result() throws -> AttemptResult {
        switch AttemptResult.read(from: directory) {
        case .good(let result): return result
        case let other: throw TimedOut(what: "a good result, not \(other)")
        }
    }

    var log: String {
        get throws { String(decoding: try AttemptLog.read(directory.log).bytes, as: UTF8.self) }
    }

    /// The number that the script wrote to a file in `$DIR`.
    func pid(_ name: String) throws -> Int32 {
        let path = folder.path + "/" + name
        try wait(for: path) { File.status(path).map { $0.size > 1 } ?? false }
        let text = String(decoding: try File.read(path), as: UTF8.self)
        return try #require(Int32(text.prefix { $0.isNumber }))
    }
}

@discardableResult
func waitForEnd(of launched: SupervisorLauncher.Launched) throws -> Spawn.ExitStatus {
    var status: Int32 = 0
    try wait(for: "the end of supervisor \(launched.pid)") { waitpid(launched.pid, &status, WNOHANG) == launched.pid }
    close(launched.pidfd)
    return Spawn.ExitStatus(waitStatus: status)
}

/// Whether a process runs; one that only waits to be reaped does not.
func isAlive(_ pid: Int32) -> Bool { ProcessStatus.read(pid: pid).map { !$0.isDead } ?? false }

/// Paths of cgroups to try: none, and one where the machine lets us make it.
let cgroupChoices: [String?] = [nil] + (CgroupRoot.find().map { [$0] } ?? [])

func cgroupPath(below base: String?) -> String? {
    base.map { $0 + "/" + AttemptSpec.randomToken() }
}
