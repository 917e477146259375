import API
import Engine
import Observability
import SchedulerCore
import Store

/// Looking at who works on this home, without becoming it.
extension Session {
    /// What whoever answers on the control socket is; nil when nobody does.
    func engineRole() throws(CommandFailure) -> EngineRole? {
        guard case .status(let status)? = try ask(.status) else { return nil }
        return status.role
    }

    /// Why an unfinished run and its tasks do not run: in the words of the engine that works on it, or, where none does, of
    /// one that is made from what is stored, and thrown away. Nil when the run has ended.
    func explanation(_ run: Run, _ reader: any StoreReader) throws(CommandFailure) -> Explanation? {
        do throws(CommandFailure) {
            if case .explanation(let found)? = try ask(.explain(dag: run.dagID, runID: run.runID)) { return found }
        } catch {
            if error.status == .notFound { return nil }
            throw error
        }
        let snapshot: Snapshot
        do throws(StoreError) { snapshot = try reader.snapshot() } catch { throw CommandFailure(error) }
        let scheduler = Scheduler(
            configuration: .init(parallelism: settings.parallelism, runsSchedules: false, kinds: Self.kinds),
            snapshot: snapshot, now: Instant(microseconds: WallClock.now())
        ) { Self.parsed($0) }
        return scheduler.explain(dag: run.dagID, runID: run.runID)
    }

    /// A stored version of a DAG; nil when its text is no longer valid.
    static func parsed(_ version: DAGVersionRecord) -> DAG? {
        let context = DAGValidationContext(kinds: kinds, zone: { SystemZones.zone($0) })
        return DAGParser.parse(Array(version.text.utf8), context: context).dag
    }

    /// The answer of the engine; nil when nobody listens on the socket.
    private func ask(_ command: EngineCommand) throws(CommandFailure) -> EngineReply? {
        do throws(CommandError) {
            return try ControlClient(socket: home.socket).perform(command, actor: Self.actor)
        } catch {
            if error.code == .stopping { return nil }
            throw CommandFailure(error)
        }
    }
}
