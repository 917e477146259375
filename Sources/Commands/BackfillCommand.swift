import Engine
import JSONText
import SchedulerCore
import Store

/// `weir backfill`: runs for past intervals.
enum BackfillCommand {
    static let spec = CommandSpec(
        name: "backfill", summary: "run a DAG for a range of past dates",
        positionals: [.init(name: "DAG", values: .dag, help: "id of the DAG")],
        options: [
            .value("--from", "DATE", values: .date, "first logical date"),
            .value("--to", "DATE", values: .date, "last logical date, inclusive; the first when left out"),
            .value(
                "--reprocess", "none|failed|completed", values: .words(of: Reprocess.self),
                "which runs that exist already run again (none)"),
            .value("--max-active", "N", values: .number, "runs at once; the DAG's max_active_runs when left out"),
            .flag("--reverse", "newest first"),
            .value(
                "--task", "TASK", values: .task, repeats: true,
                "run only this task of each run; the others stay as they are"),
            .value(
                "--param", short: "-p", "NAME=VALUE", values: .parameter, repeats: true, "set a parameter of the DAG"),
            .flag("--dry-run", "only print what would run"),
            .flag("--wait", "follow it to its end, and exit 1 when a run fails; what happens anyway"),
            .flag("--detach", "leave it to the daemon instead of following it"), CommandSpec.json,
        ],
        examples: [
            ("weir backfill alpr_daily --from 2022-05-02 --to 2022-05-08", "run a week that has not run yet"),
            (
                "weir backfill alpr_daily --from 2022-05-02 --to 2022-05-08 --reprocess failed",
                "run again what failed of it"
            ),
            (
                "weir backfill alpr_daily --from 2022-05-02 --to 2022-05-08 --reprocess completed --task quality",
                "one task of each of its runs again"
            ),
            (
                "weir backfill alpr_daily --from 2022-01-01 --to 2022-12-31 --detach",
                "a year, by the daemon; `weir backfills` shows, pauses, resumes and cancels it"
            ),
        ]
    ) { arguments, surroundings in
        if arguments.has("--detach"), arguments.has("--wait") {
            throw arguments.usage("--detach and --wait exclude each other")
        }
        let session = try Session(arguments, surroundings, settings: .optional)
        let (_, dag) = try session.dag(arguments.required(0))
        let request = try request(arguments, dag)
        let access = try EngineAccess(session, startsNothing: request.dryRun)
        defer { access.close() }
        guard case .backfill(let id, let plan) = try access.perform(.backfill(request)) else {
            throw CommandFailure(.failed, "the engine gave another answer than a backfill")
        }
        show(plan, id, request, arguments, session)
        if let words = leftOut(plan, request, dag) { session.terminal.error("weir: " + words) }
        guard let id else {
            // No error: scripts ask for the same range again, and it is there.
            if !request.dryRun { tellNothing(plan, try unsuccessful(plan, dag.id, session), arguments, session) }
            return .done
        }
        if arguments.has("--detach") {
            guard access.isEmbedded else { return .done }
            session.terminal.error("weir: --detach needs a daemon; following it here")
        }
        return try Follower(session: session, access: access).follow(backfill: id)
    }

    private static func request(_ arguments: Arguments, _ dag: DAG) throws(CommandFailure) -> BackfillRequest {
        guard let from = arguments.value("--from") else { throw arguments.usage("--from is missing: the first date") }
        let to = arguments.value("--to") ?? from
        return BackfillRequest(
            dag: dag.id, from: try Dates.instant(from, "--from", dag.zone),
            to: try Dates.last(to, "--to", dag.zone),
            reprocess: try arguments.word("--reprocess", Reprocess.self) ?? .none,
            maxActive: try arguments.integer("--max-active", in: 1...10_000), reverse: arguments.has("--reverse"),
            tasks: arguments.all("--task"), params: try Params.read(arguments, dag), dryRun: arguments.has("--dry-run"))
    }

    private static func show(
        _ plan: [BackfillPlanEntry], _ id: Int64?, _ request: BackfillRequest, _ arguments: Arguments,
        _ session: Session
    ) {
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.object { writer in
                writer.member("backfill_id", id)
                writer.key("plan")
                writer.array { writer in
                    for entry in plan {
                        writer.object {
                            $0.member("logical_date", "\(entry.logicalDate)")
                            $0.member("data_interval_start", "\(entry.interval.start)")
                            $0.member("data_interval_end", "\(entry.interval.end)")
                            $0.member("run_id", entry.runID)
                            $0.member("action", entry.disposition.rawValue)
                        }
                    }
                }
            }
            session.terminal.print(writer.text)
        } else if request.dryRun {
            var table = Table("LOGICAL DATE", "RUN", "ACTION")
            for entry in plan { table.rows.append(["\(entry.logicalDate)", entry.runID, words(entry.disposition)]) }
            session.terminal.write(table.text(session.terminal))
        } else if let id {
            let counts = BackfillEntry.Disposition.allCases.compactMap { disposition in
                let count = plan.count { $0.disposition == disposition }
                return count == 0 ? nil : "\(count) \(words(disposition))"
            }
            session.terminal.error("backfill \(id) of \(request.dag): \(counts.joined(separator: ", "))")
        }
    }

    /// How many runs of a plan did not succeed, though nothing is to be done about them.
    private static func unsuccessful(
        _ plan: [BackfillPlanEntry], _ dag: String, _ session: Session
    ) throws(CommandFailure) -> Int {
        let query = RunQuery(
            dag: dag, states: [.failed, .cancelled], from: plan.map(\.logicalDate).min(),
            to: plan.map(\.logicalDate).max(), limit: 1_000_000)
        let names = Set(plan.map(\.runID))
        guard let reader = try session.reader() else { return 0 }
        do throws(StoreError) {
            return try reader.runs(query).count { names.contains($0.runID) }
        } catch { throw CommandFailure(error) }
    }

    private static let mostCounted = 10_000

    /// What of the range is not over yet, in words; nil when all is.
    private static func leftOut(_ plan: [BackfillPlanEntry], _ request: BackfillRequest, _ dag: DAG) -> String? {
        guard let timetable = dag.timetable, let first = plan.map(\.interval.end).max() else { return nil }
        var (tick, count) = (first, 0)
        while tick <= request.to, count <= mostCounted {
            count += 1
            tick = timetable.interval(startingAt: tick).end
        }
        guard count > 0 else { return nil }
        let date = dag.zone.date(at: first)
        let since = dag.zone.startOfDay(date) == first ? "\(date)" : "\(first)"
        let many = count > mostCounted ? "more than \(mostCounted) intervals" : RunChanges.count(count, "interval")
        return "\(many) from \(since) on \(count == 1 ? "is not over yet and is" : "are not over yet and are") left out"
    }

    private static func tellNothing(
        _ plan: [BackfillPlanEntry], _ unsuccessful: Int, _ arguments: Arguments, _ session: Session
    ) {
        guard !arguments.has("--json") else { return }
        let all = plan.count == 1 ? "the run exists already" : "all \(plan.count) runs exist already"
        let failed = unsuccessful == 0 ? "" : ", \(unsuccessful) of them failed or cancelled"
        session.terminal.error("nothing to do: \(all)\(failed) (--reprocess failed or completed runs them again)")
    }

    private static func words(_ disposition: BackfillEntry.Disposition) -> String {
        switch disposition {
        case .created: "new"
        case .rerun: "to run again"
        case .followed: "in flight already"
        case .kept: "left as they are"
        }
    }
}
