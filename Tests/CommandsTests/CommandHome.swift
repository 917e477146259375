import Engine
import Glibc
import JSONText
import Spawn
import Synchronization
import Testing

@testable import Commands

/// A home of a test, and the commands to use it with, in this process.
final class CommandHome: Sendable {
    struct Output {
        var status: Int32
        var out: String
        var err: String
    }

    let path: String

    init() throws {
        var template = Array("/tmp/weir-commands-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? File.removeTree(path) }

    func write(_ name: String, _ text: String) throws {
        let file = path + "/" + name
        try File.makeDirectory(File.parent(of: file), recursive: true)
        try File.writeAtomically(file, Array(text.utf8))
    }

    func read(_ name: String) -> String {
        (try? File.read(path + "/" + name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The folder of build products, where weir and weir-supervise lie.
    static let products: String = {
        guard let test = realpath("/proc/self/exe", nil) else { return "" }
        defer { free(test) }
        var folder = File.parent(of: String(cString: test))
        while folder != "/", !File.exists(folder + "/weir-supervise") { folder = File.parent(of: folder) }
        return folder
    }()

    /// A command with this home.
    @discardableResult
    func weir(_ words: String..., width: Int? = nil, environment: [String: String] = [:]) -> Output {
        var all = environment
        all["WEIR_HOME"] = path
        return run(words, width: width, environment: all)
    }

    func json(_ words: String...) throws -> JSONNode {
        let output = run(words + ["--json"], environment: ["WEIR_HOME": path])
        #expect(output.status == 0, "\(output.err)")
        return try JSONDocument(parsing: output.out).root
    }
}

/// Runs the program in this process; the world around it is what the test gives.
///
/// - Parameter answers: what is typed, line by line; nil: nobody is there.
@discardableResult
func run(
    _ words: [String], width: Int? = nil, environment: [String: String] = [:], answers: [String]? = nil
) -> CommandHome.Output {
    var environment = environment
    environment["PATH"] = environment["PATH"] ?? "/usr/bin:/bin"
    let terminal = Terminal(capturing: true, width: width, answers: answers)
    let products = CommandHome.products
    let status = Program.run(
        words,
        Surroundings(
            terminal: terminal, environment: { [environment] in environment[$0] },
            variables: { [environment] in Array(environment.keys) }
        ) {
            Programs(weir: products + "/weir", supervisor: products + "/weir-supervise")
        })
    return CommandHome.Output(status: status, out: terminal.output.out, err: terminal.output.err)
}

let helloDAG = """
    {"id": "hello", "description": "says hello", "schedule": "daily", "start": "2022-05-01", "end": "2022-05-10",
     "params": {"name": {"type": "string", "default": "you"}, "count": {"type": "integer", "default": 1}},
     "tasks": [
       {"id": "greet", "kind": "command", "with": {"shell": "echo hello $WEIR_PARAM_NAME"}},
       {"id": "count", "kind": "command", "after": ["greet"], "retries": 2, "with": {"shell": "exit $WEIR_PARAM_COUNT"}}]}
    """

extension CommandHome {
    /// Does something while another one owns the state.
    func whileLocked(_ body: () throws -> Output) throws -> Output {
        let lock = try StateLock.acquire(Home(path: path))
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }
}
