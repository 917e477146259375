import Observability
import SchedulerCore
import Simulation
import Store

/// `weir simulate`: what a DAG would do in a span of time.
enum SimulateCommand {
    static let spec = CommandSpec(
        name: "simulate", summary: "show what a DAG would do in a span of time, without doing it",
        positionals: [.init(name: "DAG", values: .dag, help: "id of the DAG")],
        options: [
            .value("--from", "TIME", values: .date, "when Weir first loads the DAG; now when left out"),
            .value(
                "--to", "TIME", values: .date,
                "runs that are due before this, or on this day; 31 days later when left out"),
            .value(
                "--durations", "FILE|history", values: .file(orWords: ["history"]),
                "what tasks take: a file, or the median of late (history); 1m where there is none"),
            .value("--parallelism", "N", values: .number, "tasks at once over all DAGs; the setting when left out"),
            .value(
                "--pool", "NAME=SLOTS", values: .poolSlots, repeats: true,
                "slots of a pool; as `weir pools` when left out"),
            .value("--limit", short: "-n", "N", values: .number, "so many rows at most (40)"),
            .flag("--tasks", "a row for each task, not only for each run"), CommandSpec.json,
        ],
        examples: [
            ("weir simulate alpr_daily", "the next 31 days, as long as tasks took lately"),
            (
                "weir simulate alpr_daily --from 2026-01-01 --to 2026-12-31 --durations takes.json",
                "a year, with takes.json such as {\"load\": \"20m\", \"*\": \"1m\"}"
            ),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let (_, dag) = try session.dag(arguments.required(0))
        let question = try question(arguments, dag, session)
        let limit = try arguments.integer("--limit", in: 0...1_000_000) ?? 40
        let forecast: Forecast
        do {
            forecast = try Forecast.make(question)
        } catch let error as ForecastError {
            throw CommandFailure(.usage, error.message)
        }
        if arguments.has("--json") {
            session.terminal.print(ForecastReport.json(forecast, question))
        } else {
            let report = ForecastReport(forecast: forecast, question: question)
            report.write(to: session.terminal, tasks: arguments.has("--tasks"), limit: limit)
        }
        return .done
    }

    private static func question(
        _ arguments: Arguments, _ dag: DAG, _ session: Session
    ) throws(CommandFailure) -> Forecast.Question {
        let from = try arguments.value("--from").map { text throws(CommandFailure) in
            try Dates.instant(text, "--from", dag.zone)
        }
        let to = try arguments.value("--to").map { text throws(CommandFailure) in
            try Dates.end(text, "--to", dag.zone)
        }
        let start = from ?? Instant(microseconds: WallClock.now())
        let reader = try session.reader()
        let durations =
            switch arguments.value("--durations") {
            case nil, "history": try Durations(history: reader, dag)
            case .some(let path): try Durations(file: path, dag)
            }
        return Forecast.Question(
            dag: dag, from: start, to: to ?? start + TimeAmount(seconds: 31 * 86_400),
            parallelism: session.settings.parallelism,
            pools: try pools(arguments, dag, reader), kinds: Session.kinds, environment: session.forecastEnvironment,
            assumptions: durations.known,
            otherwise: durations.otherwise)
    }

    private static func pools(
        _ arguments: Arguments, _ dag: DAG, _ reader: (any StoreReader)?
    ) throws(CommandFailure) -> [Pool] {
        var pools: [Pool] = []
        do throws(StoreError) { pools = try reader?.pools() ?? [] } catch { throw CommandFailure(error) }
        for text in arguments.all("--pool") {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let slots = Int(parts[1]), (0...1_000_000).contains(slots) else {
                throw arguments.usage("--pool is '\(text)'; it must be a name and its slots, such as duckdb=2")
            }
            guard pools.contains(where: { $0.name == parts[0] }) || dag.tasks.contains(where: { $0.pool == parts[0] })
            else {
                let near = nearestName(to: String(parts[0]), among: dag.tasks.map(\.pool)).map {
                    "; did you mean '\($0)'?"
                }
                throw arguments.usage("--pool names '\(parts[0])', which no task of \(dag.id) uses\(near ?? "")")
            }
            pools.removeAll { $0.name == parts[0] }
            pools.append(Pool(name: String(parts[0]), slots: slots))
        }
        return pools
    }
}
