/// `weir lake`: what the lake holds, and its upkeep.
enum LakeCommand {
    static let spec = CommandSpec.group("lake", "look at the lake, archive, restore", LakeUpkeepCommand.specs)
}
