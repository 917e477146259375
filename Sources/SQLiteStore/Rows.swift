import JSONText
import SQLite
import SchedulerCore
import Store

/// The column lists of the tables, and how a row becomes a record.
enum Columns {
    static let dag = """
        id, version, file, paused, active, first_seen, cursor, arrived, late, expected_through, \
        succeeded_through, succeeded_at
        """
    static let version = "id, dag_id, sha256, text, loaded_at"
    static let run = """
        run.id, run.dag_id, run.run_id, run.type, run.state, run.version, run.logical_date, run.interval_start, \
        run.interval_end, run.run_after, run.created_at, run.started_at, run.ended_at, run.params, run.backfill, \
        run.is_rerun, run.keeps_finished, run.reason, run.is_expired, run.missed_deadline
        """
    static let instance = """
        run, task_id, map_index, state, try_number, max_tries, lost_in_a_row, next_try_at, started_at, ended_at, \
        attempt, outputs, reason, waiting_since
        """
    static let attempt = """
        id, run, task_id, map_index, try_number, state, intent, created_at, started_at, ended_at, exit_code, signal, \
        cpu_us, peak_memory, reason, rendered
        """
    static let backfill = """
        id, dag_id, from_date, to_date, reprocess, max_active, reverse, state, created_at, ended_at, paused, tasks
        """
    static let entry = "backfill, ordinal, run, disposition"
}

extension SQLiteStatement {
    func instant(_ column: Int32) -> Instant { Instant(microseconds: integer(column)) }
    func optionalInstant(_ column: Int32) -> Instant? { optionalInteger(column).map { Instant(microseconds: $0) } }

    func dag() -> DAGRecord {
        DAGRecord(
            id: text(0), version: integer(1), file: text(2), paused: bool(3), active: bool(4), firstSeen: instant(5),
            cursor: optionalInstant(6), arrived: Set(Names.list(text(7))),
            late: LateDates.dates(text(8)), expectedThrough: optionalText(9).flatMap { CivilDate($0) },
            succeededThrough: optionalInstant(10), succeededAt: optionalInstant(11))
    }

    func version() -> DAGVersionRecord {
        DAGVersionRecord(id: integer(0), dagID: text(1), sha256: text(2), text: text(3), loadedAt: instant(4))
    }

    func run() throws(StoreError) -> Run {
        Run(
            id: integer(0), dagID: text(1), runID: text(2), type: try word(3, RunType.self),
            state: try word(4, RunState.self), version: integer(5), logicalDate: instant(6),
            interval: DataInterval(start: instant(7), end: instant(8)), runAfter: instant(9), createdAt: instant(10),
            startedAt: optionalInstant(11), endedAt: optionalInstant(12), params: text(13),
            backfill: optionalInteger(14), isRerun: bool(15), keepsFinished: bool(16),
            isExpired: bool(18), missedDeadline: bool(19), reason: optionalText(17))
    }

    func key(_ column: Int32) -> TaskInstanceKey {
        TaskInstanceKey(run: integer(column), taskID: text(column + 1), mapIndex: Int(integer(column + 2)))
    }

    func instance() throws(StoreError) -> TaskInstance {
        TaskInstance(
            key: key(0), state: try word(3, TaskState.self), tryNumber: Int(integer(4)), maxTries: Int(integer(5)),
            lostInARow: Int(integer(6)), nextTryAt: optionalInstant(7), waitingSince: optionalInstant(13),
            startedAt: optionalInstant(8),
            endedAt: optionalInstant(9), attempt: optionalInteger(10), outputs: optionalText(11),
            reason: optionalText(12))
    }

    func attempt() throws(StoreError) -> Attempt {
        Attempt(
            id: integer(0), instance: key(1), tryNumber: Int(integer(4)), state: try word(5, AttemptState.self),
            intent: isNull(6) ? nil : try word(6, Intent.self), createdAt: instant(7), startedAt: optionalInstant(8),
            endedAt: optionalInstant(9), exitCode: optionalInteger(10).map(Int.init),
            signal: optionalInteger(11).map(Int.init), cpuMicroseconds: optionalInteger(12),
            peakMemory: optionalInteger(13), reason: optionalText(14), rendered: text(15))
    }

    func backfill() throws(StoreError) -> Backfill {
        Backfill(
            id: integer(0), dagID: text(1), from: instant(2), to: instant(3), reprocess: try word(4, Reprocess.self),
            maxActive: Int(integer(5)), reverse: bool(6), tasks: Names.list(text(11)),
            state: try word(7, BackfillState.self), paused: bool(10), createdAt: instant(8),
            endedAt: optionalInstant(9))
    }

    func entry() throws(StoreError) -> BackfillEntry {
        BackfillEntry(
            backfill: integer(0), ordinal: Int(integer(1)), run: integer(2),
            disposition: try word(3, BackfillEntry.Disposition.self))
    }
}

/// Names, of datasets or of tasks, as JSON in one column.
enum Names {
    static func text(_ names: [String]) -> String {
        var writer = JSONWriter()
        writer.array { for name in names { $0.string(name) } }
        return writer.text
    }

    static func list(_ text: String) -> [String] {
        (try? JSONDocument(parsing: text))?.root.array?.compactMap(\.string) ?? []
    }
}

/// `DAGRecord.late` as an object: the microseconds of each date and the generation of its data.
enum LateDates {
    static func text(_ dates: [Instant: Int64]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            for (date, generation) in dates.sorted(by: { $0.key < $1.key }) {
                writer.member("\(date.microseconds)", generation)
            }
        }
        return writer.text
    }

    static func dates(_ text: String) -> [Instant: Int64] {
        var dates: [Instant: Int64] = [:]
        for member in (try? JSONDocument(parsing: text))?.root.object?.members ?? [] {
            guard let date = Int64(member.key), let generation = member.node.integer else { continue }
            dates[Instant(microseconds: date)] = generation
        }
        return dates
    }
}

extension SQLiteValue {
    init(_ instant: Instant) { self = .integer(instant.microseconds) }
    init(_ instant: Instant?) { self = instant.map { .integer($0.microseconds) } ?? .null }
}
