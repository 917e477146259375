import Engine
import Glibc
import Spawn

/// What a command sees of the world around it; a test gives its own.
struct Surroundings: Sendable {
    var terminal: Terminal
    /// A variable of the environment; an empty one counts as none.
    var environment: @Sendable (String) -> String?
    /// The names of all variables of the environment that are set.
    var variables: @Sendable () -> [String]
    var programs: @Sendable () throws(EngineError) -> Programs

    init(
        terminal: Terminal = .standard, environment: @escaping @Sendable (String) -> String? = Self.variable,
        variables: @escaping @Sendable () -> [String] = Self.variableNames,
        programs: @escaping @Sendable () throws(EngineError) -> Programs = Programs.installed
    ) {
        self.terminal = terminal
        self.environment = environment
        self.variables = variables
        self.programs = programs
    }

    private static func variableNames() -> [String] {
        // The variable `environ` cannot be read safely from Swift.
        let entries = (try? File.read("/proc/self/environ")) ?? []
        return entries.split(separator: 0).map {
            String(decoding: $0.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
        }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Where the programs stand that attempts need, as absolute paths.
struct Programs: Sendable {
    var weir: String
    var supervisor: String

    /// This program, and the supervisor beside it.
    static func installed() throws(EngineError) -> Programs {
        guard let own = realpath("/proc/self/exe", nil) else {
            throw EngineError(.io, "cannot tell where weir itself stands: /proc is not mounted")
        }
        defer { free(own) }
        let weir = String(cString: own)
        let supervisor = File.parent(of: weir) + "/weir-supervise"
        guard File.exists(supervisor) else {
            throw EngineError(.io, "\(supervisor) is missing; it belongs beside weir (`make build` makes both)")
        }
        return Programs(weir: weir, supervisor: supervisor)
    }
}
