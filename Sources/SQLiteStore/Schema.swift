import SQLite
import SchedulerCore
import Store

/// The tables, as numbered migrations. A migration that was released is never changed; a new one is added.
enum Schema {
    typealias Migration = Migrations.Migration

    static let migrations: [Migration] = [
        ("initial", initial), ("upkeep", upkeep), ("rules", rules), ("late", late), ("expected", expected),
        ("backfills", backfills), ("states", states), ("answers", answers),
        ("failures", failures),
    ]
    /// The first format that notes whether its last writer stopped in good order.
    static let knowsCleanStop = 2

    /// Without the indexes, each run and each version that is removed would have these tables read from end to end.
    private static let upkeep = """
        ALTER TABLE meta ADD COLUMN clean INTEGER NOT NULL DEFAULT 1 CHECK (clean IN (0, 1));
        CREATE INDEX backfill_run_by_run ON backfill_run (run);
        CREATE INDEX run_by_version ON run (version);
        """

    /// Dates that late data has changed.
    private static let late = "ALTER TABLE dag ADD COLUMN late TEXT NOT NULL DEFAULT '{}';"

    /// What `expect_by` needs to know, as far as the history tells it; runs of type `missed`, for which the table of runs is
    /// made anew; and notifications that were not delivered, to be found without looking at all tasks of all runs.
    private static let expected = """
        ALTER TABLE dag ADD COLUMN expected_through TEXT;
        ALTER TABLE dag ADD COLUMN succeeded_through INTEGER;
        ALTER TABLE dag ADD COLUMN succeeded_at INTEGER;
        UPDATE dag SET
            succeeded_through = (SELECT max(interval_end) FROM run WHERE dag_id = dag.id AND state = 'success'),
            succeeded_at = (SELECT max(ended_at) FROM run WHERE dag_id = dag.id AND state = 'success');

        CREATE TABLE new_run (
            id INTEGER PRIMARY KEY,
            dag_id TEXT NOT NULL REFERENCES dag (id),
            run_id TEXT NOT NULL,
            type TEXT NOT NULL CHECK (type IN (\(words(RunType.self)))),
            state TEXT NOT NULL CHECK (state IN (\(words(RunState.self)))),
            version INTEGER NOT NULL REFERENCES dag_version (id),
            logical_date INTEGER NOT NULL,
            interval_start INTEGER NOT NULL,
            interval_end INTEGER NOT NULL CHECK (interval_end >= interval_start),
            run_after INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            started_at INTEGER,
            ended_at INTEGER,
            params TEXT NOT NULL,
            backfill INTEGER,
            is_rerun INTEGER NOT NULL CHECK (is_rerun IN (0, 1)),
            keeps_finished INTEGER NOT NULL CHECK (keeps_finished IN (0, 1)),
            reason TEXT,
            is_expired INTEGER NOT NULL DEFAULT 0 CHECK (is_expired IN (0, 1)),
            missed_deadline INTEGER NOT NULL DEFAULT 0 CHECK (missed_deadline IN (0, 1)),
            UNIQUE (dag_id, run_id),
            CHECK ((ended_at IS NOT NULL) = (state IN \(finalRuns)))
        ) STRICT;
        INSERT INTO new_run SELECT * FROM run;
        DROP TABLE run;
        ALTER TABLE new_run RENAME TO run;
        CREATE UNIQUE INDEX run_of_interval ON run (dag_id, logical_date) WHERE type IN ('scheduled', 'backfill');
        CREATE INDEX run_unfinished ON run (id) WHERE state IN ('queued', 'running');
        CREATE INDEX run_by_date ON run (dag_id, logical_date, id);
        CREATE INDEX run_by_date_of_all ON run (logical_date, id);
        CREATE INDEX run_by_version ON run (version);

        CREATE INDEX notification_undelivered ON task_instance (ended_at)
            WHERE state IN ('failed', 'up_for_retry') AND instr(task_id, ':') > 0;
        """

    /// Runs of all DAGs in one state, which may be few among many.
    /// Answers to requests with keys; and tasks of any state but the usual ones, to be found among very many.
    private static let answers = """
        CREATE TABLE kept_answer (
            caller TEXT NOT NULL,
            key TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            answer TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (caller, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX kept_answer_by_time ON kept_answer (at);
        CREATE INDEX task_by_state ON task_instance (state, run, position)
            WHERE state NOT IN ('success', 'none', 'removed', 'skipped');
        """

    /// The runs that failed, of each DAG, which are few among many; and the one that was made last.
    private static let failures = """
        CREATE INDEX run_failed ON run (dag_id, ended_at, id) WHERE state = 'failed';
        CREATE INDEX run_by_creation ON run (dag_id, id);
        """

    private static let states = "CREATE INDEX run_by_state ON run (state, logical_date, id);"

    /// Backfills that are paused, and of some tasks only.
    private static let backfills = """
        ALTER TABLE backfill ADD COLUMN paused INTEGER NOT NULL DEFAULT 0
            CHECK (paused IN (0, 1) AND (paused = 0 OR state = 'running'));
        ALTER TABLE backfill ADD COLUMN tasks TEXT NOT NULL DEFAULT '[]';
        """

    /// Pools, sensors, time limits of runs, starts by datasets. Words of a CHECK cannot be changed: its tables are made anew.
    private static let rules = """
        CREATE TABLE pool (
            name TEXT PRIMARY KEY,
            slots INTEGER NOT NULL CHECK (slots >= 0),
            description TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE dag ADD COLUMN arrived TEXT NOT NULL DEFAULT '[]';
        ALTER TABLE run ADD COLUMN is_expired INTEGER NOT NULL DEFAULT 0 CHECK (is_expired IN (0, 1));
        ALTER TABLE run ADD COLUMN missed_deadline INTEGER NOT NULL DEFAULT 0 CHECK (missed_deadline IN (0, 1));

        CREATE TABLE new_task_instance (
            run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            task_id TEXT NOT NULL,
            map_index INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN (\(words(TaskState.self)))),
            try_number INTEGER NOT NULL CHECK (try_number >= 0),
            max_tries INTEGER NOT NULL,
            lost_in_a_row INTEGER NOT NULL,
            next_try_at INTEGER,
            started_at INTEGER,
            ended_at INTEGER,
            attempt INTEGER,
            outputs TEXT,
            reason TEXT,
            waiting_since INTEGER,
            PRIMARY KEY (run, task_id, map_index),
            -- Also finds the last position, which each insert needs, without looking at all instances of the run.
            UNIQUE (run, position),
            CHECK (state <> 'running' OR attempt IS NOT NULL),
            CHECK ((next_try_at IS NOT NULL) = (state IN ('up_for_retry', 'deferred')))
        ) STRICT, WITHOUT ROWID;
        INSERT INTO new_task_instance SELECT *, NULL FROM task_instance;
        DROP TABLE task_instance;
        ALTER TABLE new_task_instance RENAME TO task_instance;

        CREATE TABLE new_attempt (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL,
            task_id TEXT NOT NULL,
            map_index INTEGER NOT NULL,
            try_number INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN (\(words(AttemptState.self)))),
            intent TEXT CHECK (intent IN (\(words(Intent.self)))),
            created_at INTEGER NOT NULL,
            started_at INTEGER,
            ended_at INTEGER,
            exit_code INTEGER,
            signal INTEGER,
            cpu_us INTEGER,
            peak_memory INTEGER,
            reason TEXT,
            rendered TEXT NOT NULL,
            FOREIGN KEY (run, task_id, map_index) REFERENCES task_instance ON DELETE CASCADE,
            CHECK ((ended_at IS NULL) = (state = 'running'))
        ) STRICT;
        INSERT INTO new_attempt SELECT * FROM attempt;
        DROP TABLE attempt;
        ALTER TABLE new_attempt RENAME TO attempt;
        CREATE INDEX attempt_of_instance ON attempt (run, task_id, map_index);
        CREATE INDEX attempt_running ON attempt (id) WHERE state = 'running';
        """

    private static func words<Word: RawRepresentable & CaseIterable>(_: Word.Type) -> String
    where Word.RawValue == String {
        Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }

    private static let finalRuns = "('success', 'failed', 'cancelled')"

    private static let initial = """
        CREATE TABLE meta (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            epoch INTEGER NOT NULL
        ) STRICT;
        INSERT INTO meta VALUES (1, 0);

        CREATE TABLE dag_version (
            id INTEGER PRIMARY KEY,
            dag_id TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            text TEXT NOT NULL,
            loaded_at INTEGER NOT NULL,
            UNIQUE (dag_id, sha256)
        ) STRICT;

        CREATE TABLE dag (
            id TEXT PRIMARY KEY,
            version INTEGER NOT NULL REFERENCES dag_version (id),
            file TEXT NOT NULL,
            paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
            active INTEGER NOT NULL CHECK (active IN (0, 1)),
            first_seen INTEGER NOT NULL,
            cursor INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE dag_file_error (
            file TEXT NOT NULL,
            position INTEGER NOT NULL,
            line INTEGER NOT NULL,
            column_number INTEGER NOT NULL,
            path TEXT NOT NULL,
            code TEXT NOT NULL,
            message TEXT NOT NULL,
            since INTEGER NOT NULL,
            PRIMARY KEY (file, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE run (
            id INTEGER PRIMARY KEY,
            dag_id TEXT NOT NULL REFERENCES dag (id),
            run_id TEXT NOT NULL,
            type TEXT NOT NULL CHECK (type IN (\(words(RunType.self)))),
            state TEXT NOT NULL CHECK (state IN (\(words(RunState.self)))),
            version INTEGER NOT NULL REFERENCES dag_version (id),
            logical_date INTEGER NOT NULL,
            interval_start INTEGER NOT NULL,
            interval_end INTEGER NOT NULL CHECK (interval_end >= interval_start),
            run_after INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            started_at INTEGER,
            ended_at INTEGER,
            params TEXT NOT NULL,
            backfill INTEGER,
            is_rerun INTEGER NOT NULL CHECK (is_rerun IN (0, 1)),
            keeps_finished INTEGER NOT NULL CHECK (keeps_finished IN (0, 1)),
            reason TEXT,
            UNIQUE (dag_id, run_id),
            CHECK ((ended_at IS NOT NULL) = (state IN \(finalRuns)))
        ) STRICT;
        CREATE UNIQUE INDEX run_of_interval ON run (dag_id, logical_date) WHERE type IN ('scheduled', 'backfill');
        CREATE INDEX run_unfinished ON run (id) WHERE state IN ('queued', 'running');
        CREATE INDEX run_by_date ON run (dag_id, logical_date, id);
        CREATE INDEX run_by_date_of_all ON run (logical_date, id);

        CREATE TABLE task_instance (
            run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            task_id TEXT NOT NULL,
            map_index INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('none', 'queued', 'running', 'success', 'failed', 'skipped', 'cancelled',
                'removed', 'upstream_failed', 'up_for_retry')),
            try_number INTEGER NOT NULL CHECK (try_number >= 0),
            max_tries INTEGER NOT NULL,
            lost_in_a_row INTEGER NOT NULL,
            next_try_at INTEGER,
            started_at INTEGER,
            ended_at INTEGER,
            attempt INTEGER,
            outputs TEXT,
            reason TEXT,
            PRIMARY KEY (run, task_id, map_index),
            -- Also finds the last position, which each insert needs, without looking at all instances of the run.
            UNIQUE (run, position),
            CHECK (state <> 'running' OR attempt IS NOT NULL),
            CHECK ((next_try_at IS NOT NULL) = (state = 'up_for_retry'))
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE attempt (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL,
            task_id TEXT NOT NULL,
            map_index INTEGER NOT NULL,
            try_number INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('running', 'success', 'failed', 'skipped', 'cancelled', 'lost', 'revoked')),
            intent TEXT CHECK (intent IN ('cancel', 'clear', 'mark_success', 'mark_failed', 'mark_skipped')),
            created_at INTEGER NOT NULL,
            started_at INTEGER,
            ended_at INTEGER,
            exit_code INTEGER,
            signal INTEGER,
            cpu_us INTEGER,
            peak_memory INTEGER,
            reason TEXT,
            rendered TEXT NOT NULL,
            FOREIGN KEY (run, task_id, map_index) REFERENCES task_instance ON DELETE CASCADE,
            CHECK ((ended_at IS NULL) = (state = 'running'))
        ) STRICT;
        CREATE INDEX attempt_of_instance ON attempt (run, task_id, map_index);
        CREATE INDEX attempt_running ON attempt (id) WHERE state = 'running';

        CREATE TABLE backfill (
            id INTEGER PRIMARY KEY,
            dag_id TEXT NOT NULL REFERENCES dag (id),
            from_date INTEGER NOT NULL,
            to_date INTEGER NOT NULL CHECK (to_date >= from_date),
            reprocess TEXT NOT NULL CHECK (reprocess IN (\(words(Reprocess.self)))),
            max_active INTEGER NOT NULL CHECK (max_active > 0),
            reverse INTEGER NOT NULL CHECK (reverse IN (0, 1)),
            state TEXT NOT NULL CHECK (state IN (\(words(BackfillState.self)))),
            created_at INTEGER NOT NULL,
            ended_at INTEGER,
            CHECK ((ended_at IS NULL) = (state = 'running'))
        ) STRICT;
        CREATE INDEX backfill_running ON backfill (id) WHERE state = 'running';

        CREATE TABLE backfill_run (
            backfill INTEGER NOT NULL REFERENCES backfill (id) ON DELETE CASCADE,
            ordinal INTEGER NOT NULL,
            run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            disposition TEXT NOT NULL CHECK (disposition IN (\(words(BackfillEntry.Disposition.self)))),
            PRIMARY KEY (backfill, ordinal)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE audit_log (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            details TEXT NOT NULL
        ) STRICT;
        """

    @discardableResult
    static func migrate(
        _ connection: SQLiteConnection, _ migrations: [Migration] = migrations,
        atPoint point: (String) -> Void = { _ in }
    ) throws(StoreError) -> String? {
        try Migrations(migrations).migrate(connection, atPoint: point)
    }

    static func tooNew(_ path: String, _ version: Int) -> StoreError { Migrations(migrations).tooNew(path, version) }

    static func version(of connection: SQLiteConnection) throws(StoreError) -> Int {
        try Migrations.version(of: connection)
    }
}
