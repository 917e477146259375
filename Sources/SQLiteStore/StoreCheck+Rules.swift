/// What holds between rows at every commit, and the schema cannot state.
extension StoreCheck {
    struct Rule {
        /// What is wrong with the rows that are found.
        var says: String
        /// An expression that names one of them.
        var subject: String
        /// The rows that break the rule: what follows FROM.
        var broken: String
        var remedy: String
    }

    private static let restart = """
        restart the daemon, which takes up what is unfinished; if it stays, see "Restoring" in docs/operations.md
        """
    private static let instanceName = """
        'task ' || task_id || ' of run ' || (SELECT dag_id || '/' || run_id FROM run WHERE run.id = task_instance.run)
        """
    private static let runName = "'run ' || run.dag_id || '/' || run.run_id"

    static let rules: [Rule] = [
        Rule(
            says: "it is running, but its attempt is not", subject: instanceName,
            broken: """
                task_instance WHERE state = 'running' AND NOT EXISTS (
                    SELECT 1 FROM attempt WHERE attempt.id = task_instance.attempt AND attempt.state = 'running')
                """, remedy: restart),
        Rule(
            says: "it is running, but its task is not, or has another attempt",
            subject: "'attempt ' || attempt.id",
            broken: """
                attempt WHERE state = 'running' AND NOT EXISTS (
                    SELECT 1 FROM task_instance WHERE task_instance.run = attempt.run
                    AND task_instance.task_id = attempt.task_id AND task_instance.map_index = attempt.map_index
                    AND task_instance.state = 'running' AND task_instance.attempt = attempt.id)
                """, remedy: restart),
        Rule(
            says: "it names an attempt that is not its own", subject: instanceName,
            broken: """
                task_instance WHERE attempt IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM attempt WHERE attempt.id = task_instance.attempt
                    AND attempt.run = task_instance.run AND attempt.task_id = task_instance.task_id
                    AND attempt.map_index = task_instance.map_index)
                """, remedy: remedy),
        Rule(
            says: "it has ended, but some of its tasks have not", subject: runName,
            broken: """
                run WHERE state IN ('success', 'failed', 'cancelled') AND EXISTS (
                    SELECT 1 FROM task_instance WHERE task_instance.run = run.id
                    AND task_instance.state IN ('none', 'queued', 'running', 'up_for_retry', 'deferred'))
                """, remedy: restart),
        Rule(
            says: "it is running, but all of its tasks have ended", subject: runName,
            broken: """
                run WHERE state = 'running' AND NOT EXISTS (
                    SELECT 1 FROM task_instance WHERE task_instance.run = run.id
                    AND task_instance.state IN ('none', 'queued', 'running', 'up_for_retry', 'deferred'))
                """, remedy: restart),
        Rule(
            says: "its version is another DAG's", subject: runName,
            broken: "run JOIN dag_version ON dag_version.id = run.version WHERE dag_version.dag_id <> run.dag_id",
            remedy: remedy),
        Rule(
            says: "its version is another DAG's", subject: "'DAG ' || dag.id",
            broken: "dag JOIN dag_version ON dag_version.id = dag.version WHERE dag_version.dag_id <> dag.id",
            remedy: remedy),
        Rule(
            says: "its schedule has made runs, but has no place to go on from", subject: "'DAG ' || dag.id",
            broken: """
                dag WHERE cursor IS NULL AND EXISTS (
                    SELECT 1 FROM run WHERE run.dag_id = dag.id AND run.type = 'scheduled')
                """, remedy: remedy),
        Rule(
            says: "it belongs to a backfill that does not name it", subject: runName,
            broken: """
                run WHERE backfill IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM backfill_run WHERE backfill_run.run = run.id
                    AND backfill_run.backfill = run.backfill)
                """, remedy: restart),
        Rule(
            says: "it is running, but all of its runs have ended", subject: "'backfill ' || backfill.id",
            broken: """
                backfill WHERE state = 'running' AND NOT EXISTS (
                    SELECT 1 FROM backfill_run JOIN run ON run.id = backfill_run.run
                    WHERE backfill_run.backfill = backfill.id AND run.state IN ('queued', 'running'))
                """, remedy: restart),
        Rule(
            says: "its parameters are not JSON", subject: runName, broken: "run WHERE NOT json_valid(params)",
            remedy: remedy),
        Rule(
            says: "what it handed on is not JSON", subject: instanceName,
            broken: "task_instance WHERE outputs IS NOT NULL AND NOT json_valid(outputs)", remedy: remedy),
        Rule(
            says: "its parameters are not JSON", subject: "'attempt ' || attempt.id",
            broken: "attempt WHERE NOT json_valid(rendered)", remedy: remedy),
        Rule(
            says: "there must be one row of it", subject: "'table meta'",
            broken: "(SELECT count(*) AS number FROM meta) WHERE number <> 1", remedy: remedy),
    ]
}
