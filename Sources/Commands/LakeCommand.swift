/// `weir lake`: what the lake holds and where it comes from, read from its manifests, and its upkeep.
enum LakeCommand {
    static let spec = CommandSpec.group(
        "lake", "show the lake's tables, their columns, days, lineage and state; archive, restore",
        [
            LakeTablesCommand.spec, LakeDescribeCommand.spec, LakePartitionsCommand.spec,
            LakeHistoryCommand.spec, LakeLineageCommand.spec,
            LakeDiffCommand.spec, LakeStatsCommand.spec,
        ] + LakeUpkeepCommand.specs + [LakeLifecycleCommand.spec])
}
