import Engine
import Lake
import SchedulerCore
import TaskKinds

/// `weir quality`: what the checks of the lake found, by day.
enum QualityCommand {
    static let spec = CommandSpec.group(
        "quality", "show what the quality checks found: of a day, or over time",
        [QualityReportCommand.spec, QualityHistoryCommand.spec])

    /// The kept reports of a DAG that has any.
    static func history(_ dag: String, _ session: Session) throws(CommandFailure) -> QualityHistory {
        let history = QualityHistory(lake: session.lake(attempt: "command").path)
        let known = history.dags
        guard known.contains(dag) else {
            let near = nearestName(to: dag, among: known).map { "; did you mean '\($0)'?" }
            throw CommandFailure(
                .notFound,
                "there are no quality reports of DAG '\(dag)'" + (near ?? "; a task of kind quality writes them"))
        }
        return history
    }

    /// The colour of a check's state.
    static func colour(_ word: String) -> Terminal.Colour? {
        switch word {
        case "pass": .green
        case "fail", "not_evaluated": .red
        case "warn": .yellow
        default: nil
        }
    }
}
