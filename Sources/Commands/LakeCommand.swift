/// `weir lake`: what the lake holds and where it comes from, read from its manifests.
enum LakeCommand {
    static let spec = CommandSpec.group(
        "lake", "show the lake's tables, their columns, days, lineage and state",
        [
            LakeTablesCommand.spec, LakeDescribeCommand.spec, LakePartitionsCommand.spec, LakeLineageCommand.spec,
            LakeDiffCommand.spec, LakeStatsCommand.spec,
        ])
}
