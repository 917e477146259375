import JSONText
import SchedulerCore
import Simulation
import Spawn
import Store

/// How long tasks take, for `weir simulate`: from a file, or as they took lately.
struct Durations {
    /// Assumed where nothing is known.
    static let fallback = TimeAmount(seconds: 60)
    /// Stands for every task that is not named.
    private static let any = "*"
    private static let entryKeys = ["takes", "outputs"]
    /// So many of the latest successful runs are looked at.
    private static let recentRuns = 20

    var known: [String: Forecast.Assumption] = [:]
    var otherwise = Forecast.Assumption(takes: Self.fallback)

    /// The median of what each task took in the latest successful runs, and what it handed on last.
    init(history reader: (any StoreReader)?, _ dag: DAG) throws(CommandFailure) {
        guard let reader else { return }
        var took: [String: [TimeAmount]] = [:]
        do throws(StoreError) {
            for run in try reader.runs(RunQuery(dag: dag.id, states: [.success], limit: Self.recentRuns)) {
                for instance in try reader.taskInstances(ofRun: run.id) where instance.state == .success {
                    guard let duration = instance.duration else { continue }
                    let id = instance.key.taskID
                    took[id, default: []].append(duration)
                    if known[id] == nil { known[id] = .init(takes: duration, outputs: instance.outputs) }
                }
            }
        } catch {
            throw CommandFailure(error)
        }
        for (id, all) in took { known[id]?.takes = Self.rounded(all.sorted()[all.count / 2]) }
    }

    /// No more digits than an estimate has.
    private static func rounded(_ amount: TimeAmount) -> TimeAmount {
        let unit: Int64 = amount.seconds >= 10 ? 1_000_000 : 1_000
        return TimeAmount(microseconds: max((amount.microseconds + unit / 2) / unit * unit, unit))
    }

    /// - Parameter path: of a JSON object: by task, or `*` for the others, a duration, or what it takes and hands on.
    init(file path: String, _ dag: DAG) throws(CommandFailure) {
        let file = try SettingsFile.read(path)
        guard let object = file.root.object else {
            throw file.failure(file.root, "must be an object such as {\"load\": \"5m\", \"*\": \"1m\"}")
        }
        let ids = dag.tasks.map(\.id)
        for member in object.members {
            guard ids.contains(member.key) || member.key == Self.any else {
                let near = nearestName(to: member.key, among: ids).map { "; did you mean '\($0)'?" } ?? ""
                throw file.failure(at: member.keyOffset, "DAG '\(dag.id)' has no task '\(member.key)'\(near)")
            }
            let assumption = try Self.assumption(member.node, file)
            if member.key == Self.any { otherwise = assumption } else { known[member.key] = assumption }
        }
    }

    private static func assumption(
        _ node: JSONNode, _ file: SettingsFile
    ) throws(CommandFailure) -> Forecast.Assumption {
        guard let object = node.object else { return .init(takes: try duration(node, file)) }
        if let other = object.members.first(where: { !entryKeys.contains($0.key) }) {
            throw file.failure(at: other.keyOffset, "unknown key '\(other.key)'; an entry has takes, outputs")
        }
        let takes = try object["takes"].map { node throws(CommandFailure) in try duration(node, file) }
        guard let outputs = object["outputs"] else { return .init(takes: takes ?? fallback) }
        guard outputs.object != nil else { throw file.failure(outputs, "\"outputs\" must be an object") }
        var writer = JSONWriter()
        writer.node(outputs)
        return .init(takes: takes ?? fallback, outputs: writer.text)
    }

    private static func duration(_ node: JSONNode, _ file: SettingsFile) throws(CommandFailure) -> TimeAmount {
        guard let text = node.string, let amount = TimeAmount(parsing: text), amount <= longest else {
            throw file.failure(node, "must be a duration of at most \(longest), such as \"90s\" or \"1h30m\"")
        }
        return amount
    }

    private static let longest = TimeAmount(seconds: 3660 * 86_400)
}
