import SchedulerCore

/// Where a partition comes from: the partitions that it was made from, down to the raw data.
public struct Lineage: Sendable {
    /// As manifests name it, such as `lakestorage/plate/dt=2022-05-02`.
    public let name: String
    /// Generation that was consumed; nil for the partition that was asked about.
    public let consumed: Int64?
    /// As it stands now; nil when it is not there any more.
    public let manifest: Manifest?
    public let inputs: [Lineage]
    /// Files of the source that its records came from; nil where it is not raw.
    public let sourceFiles: Int?

    /// Whether it was published again since it was consumed, so that what was made from it is out of date.
    public var isNewer: Bool {
        guard let consumed, let manifest else { return false }
        return manifest.generation > consumed
    }

    /// Whether anything below is out of date.
    public var isStale: Bool { inputs.contains { $0.isNewer || $0.isStale } }

    /// No pipeline is deeper; a manifest that names itself among its inputs would go on for ever.
    private static let maximumDepth = 32

    /// The lineage of a partition.
    public init(of partition: TablePartition, in lake: LakeRoot) throws {
        try self.init(partition.partition, consumed: nil, lake, depth: 0)
    }

    private init(_ partition: Partition, consumed: Int64?, _ lake: LakeRoot, depth: Int) throws {
        name = partition.name
        self.consumed = consumed
        manifest = try partition.publishedManifest()
        inputs =
            depth >= Self.maximumDepth
            ? []
            : try (manifest?.inputs ?? []).compactMap { input in
                guard let place = lake.partition(named: input.partition) else { return nil }
                return try Lineage(place, consumed: input.generation, lake, depth: depth + 1)
            }
        sourceFiles =
            manifest?.isRaw ?? false ? try partition.rawIndex(manifest).sourceFiles : nil
    }
}

extension LakeRoot {
    /// The partition of a name as manifests have it; nil for what is none, so that no manifest can name a place outside.
    func partition(named name: String) -> Partition? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let last = parts.last, last.hasPrefix("dt="), CivilDate(String(last.dropFirst(3))) != nil,
            (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") })
        else { return nil }
        return partition(parts.dropLast().joined(separator: "/"), String(last.dropFirst(3)))
    }
}

extension RawIndex {
    /// How many files the entries come from; of a file with many records each line is an entry (`name#line`).
    var sourceFiles: Int { Set(entries.map(\.source.file)).count }
}
