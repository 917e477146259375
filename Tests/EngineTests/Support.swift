import Glibc
import SchedulerCore
import Spawn
import Testing

/// A new directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-engine-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? File.removeTree(path) }
}

/// Looks at a condition until it holds; fails when it does not within half a minute.
func wait(for what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "waited in vain for \(what)", sourceLocation: sourceLocation)
        usleep(2000)
    }
}

/// The folder of build products, where the test program and weir-supervise lie.
let products: String = {
    guard let test = realpath("/proc/self/exe", nil) else { return "" }
    defer { free(test) }
    var folder = File.parent(of: String(cString: test))
    // The test program may stand in a bundle.
    while folder != "/", !File.exists(folder + "/weir-supervise") { folder = File.parent(of: folder) }
    return folder
}()

/// The kind that runs a program.
let commandKind = KindSpec(
    name: "command", summary: "a program", launch: .program,
    parameters: [
        KindParameter("command", .array, element: .string, help: "argv"),
        KindParameter("shell", .string, help: "a line"),
    ], exactlyOneOf: [["command", "shell"]])
