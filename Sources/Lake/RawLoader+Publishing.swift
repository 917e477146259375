import CPosix
import Glibc
import JSONText
import Spawn

/// How the new records of a day are added to its partition.
extension RawLoader {
    /// Adds a day's new records to its partition; nil when all of them were counted before.
    func publish(_ day: Day, day name: String, _ names: NameTable) throws -> Manifest? {
        let partition = lake.partition(bucket, name)
        return try publisher.locked(partition) {
            let before = try partition.manifest()
            var index = try partition.rawIndex(before, names: names)
            let counted = index.entries.count
            if let before, before.archived != nil { return try setAside(day, name, partition, before, index) }
            for aside in day.asides where !index.isKnown(aside.source, aside.digest) {
                try keep(aside, name, names)
                index.quarantine(aside.source, aside.digest, reason: aside.rejection.reason)
            }
            if index.entries.count > counted { try syncQuarantine() }
            let staged = try publisher.stage(partition)
            var files = try Segments.carryOver(before?.files ?? [], from: partition, to: staged)
            let order = names.order
            // Of a day that was never seen before, records that rise one above the other are all different.
            let rises = before == nil && index.hasNoRecords && Segments.rise(day.records, order: order)
            let kept = rises ? countFirst(day.records, in: &index) : count(day.records, in: &index)
            guard index.entries.count > counted else { return nil }
            if rises {
                files = try Segments.take(day.incoming, to: staged)
            } else {
                files += try Segments.write(
                    kept, from: day.incoming, to: staged, after: files.map(\.name), order: order)
            }
            try index.write(to: staged + "/" + RawIndex.fileName)
            var counts = index.counts
            let largest = kept.map { Int64($0.line.count) }.max() ?? 0
            counts = counts.adding(
                Manifest.largestRecord, max(largest, before?.counts[Manifest.largestRecord]?.integer ?? 0))
            // A later load adds records whose places are between those of the first.
            if before?.files.isEmpty ?? true, index.isPlain { counts = counts.adding(Manifest.inOrder, 1) }
            return try publisher.publish(
                staged, as: partition, Manifest(files: files, run: run, counts: counts), over: before)
        }
    }

    /// Counts records that are all different; all of them are kept.
    private func countFirst(_ records: [Record], in index: inout RawIndex) -> [Record] {
        index.reserve(records.count)
        for record in records {
            index.addFirst(record.source, record.digest, key: record.key, rank: record.rank)
        }
        return records
    }

    /// Counts records; those whose content is to be kept.
    private func count(_ records: [Record], in index: inout RawIndex) -> [Record] {
        index.reserveFinding(records.count)
        return records.filter { record in
            !index.isKnown(record.source, record.digest)
                && index.add(record.source, record.digest, key: record.key, rank: record.rank)
        }
    }

    /// The day's raw data is archived, and with it what was seen of it: whatever comes now is set aside, and counted.
    private func setAside(
        _ day: Day, _ name: String, _ partition: Partition, _ before: Manifest, _ known: RawIndex
    ) throws -> Manifest? {
        var index = known
        var new: [String: Int64] = [:]
        let why = Rejection(
            "after_retention", "the raw data of \(name) is archived; `weir lake restore` brings it back")
        let records = try day.records.map { record in
            Aside(
                source: record.source, digest: record.digest, rejection: why,
                content: try day.incoming.read(record.line))
        }
        for aside in day.asides + records where !index.isKnown(aside.source, aside.digest) {
            try keep(aside, name, index.names)
            index.quarantine(aside.source, aside.digest, reason: aside.rejection.reason)
            new[aside.rejection.reason, default: 0] += 1
        }
        guard !new.isEmpty else { return nil }
        try syncQuarantine()
        let staged = try publisher.stage(partition)
        try index.write(to: staged + "/" + RawIndex.fileName)
        var manifest = before
        manifest.counts = RawIndex.counts(before.counts, quarantined: new)
        try publisher.empty(staged, as: partition, manifest)
        return manifest
    }

    /// What was set aside is on disk before the partition that counts it: its source may be removed next. One sync of the file
    /// system for all of it, because one for each record takes a hundredth of a second each.
    private func syncQuarantine() throws {
        let folder = try FileDescriptor.open(lake.quarantine, O_RDONLY | O_DIRECTORY)
        guard weir_sync_filesystem(folder.raw) == 0 else { throw SystemError("syncfs", path: lake.quarantine) }
    }

    /// Keeps what was set aside, with its reason, under a name that a second load gives again.
    private func keep(_ aside: Aside, _ day: String, _ names: NameTable) throws {
        let folder = "\(lake.quarantine)/dt=\(day)"
        try File.makeDirectory(folder, recursive: true)
        let source = aside.source.text(names)
        let sha256 = aside.digest.hexadecimal
        // With its folders: two cameras may write the same under the same name.
        let safe = String(
            source.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-#".contains($0)) ? $0 : "_" }.suffix(
                120))
        let name = "\(folder)/\(sha256.prefix(16))-\(safe)"
        // On disk by the one sync before the partition is published.
        if !aside.content.isEmpty { try File.writeAtomically(name, aside.content) }
        var writer = JSONWriter(indented: true)
        writer.object {
            $0.member("source", source)
            $0.member("sha256", sha256)
            $0.member("reason", aside.rejection.reason)
            $0.member("detail", aside.rejection.detail)
            $0.member("run", run)
        }
        try File.writeAtomically(name + ".reason.json", writer.bytes + [0x0A])
    }
}
