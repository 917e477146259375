import Engine
import JSONText
import SchedulerCore
import Spawn

/// What can be set: by `weir.json` in WEIR_HOME, and above it by `WEIR_<NAME>`.
struct Settings {
    /// Attempts at once over all DAGs. 16, as a DAG's own limit: most tasks wait for something.
    var parallelism = Self.parallelism

    /// The default.
    static let parallelism = 16

    /// What the daemon removes of the history by itself; nothing unless told.
    var retention = Retention()

    private static let names = ["parallelism", "retention"]

    init(_ home: Home, environment: (String) -> String?) throws(CommandFailure) {
        if File.exists(home.settings) { try read(home.settings) }
        if let text = environment("WEIR_PARALLELISM") {
            guard let number = Int(text), (1...4096).contains(number) else {
                throw CommandFailure(.invalid, "WEIR_PARALLELISM is '\(text)'; it must be a number from 1 to 4096")
            }
            parallelism = number
        }
        try retention.read(environment)
    }

    private mutating func read(_ path: String) throws(CommandFailure) {
        let file = try SettingsFile.read(path)
        guard let object = file.root.object else { throw file.failure(file.root, "must be an object") }
        for member in object.members {
            if member.key == "retention" {
                if let (node, message) = retention.read(member.node) { throw file.failure(node, message) }
                continue
            }
            guard member.key == "parallelism" else {
                let near = nearestName(to: member.key, among: Self.names).map { "; did you mean '\($0)'?" } ?? ""
                throw file.failure(at: member.keyOffset, "unknown setting '\(member.key)'\(near)")
            }
            guard let number = member.node.integer, (1...4096).contains(number) else {
                throw file.failure(member.node, "parallelism must be a number from 1 to 4096")
            }
            parallelism = Int(number)
        }
    }
}
