import SchedulerCore

/// `weir db`: the upkeep of the store.
enum DBCommand {
    static let spec = CommandSpec.group(
        "db", "check, back up, migrate or prune the store",
        [DBCheckCommand.spec, DBBackupCommand.spec, DBMigrateCommand.spec, DBPruneCommand.spec])
}
