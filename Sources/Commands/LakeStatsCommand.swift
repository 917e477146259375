import JSONText
import Lake
import SchedulerCore

/// `weir lake stats`: how large the lake is, and what lies about in it.
enum LakeStatsCommand {
    static let spec = CommandSpec(
        name: "lake stats", summary: "show how large the lake is, what was set aside, and what killed tasks left",
        options: [CommandSpec.json],
        examples: [
            ("weir lake stats", "each bucket with its size; quarantine by reason; unfinished and former partitions")
        ]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        let catalogue = try access.catalogue()
        let statistics = try access.asking { try LakeStatistics(catalogue) }
        if arguments.has("--json") {
            access.session.terminal.print(json(statistics))
        } else {
            show(statistics, access.session.terminal)
        }
        return .done
    }

    private static func show(_ statistics: LakeStatistics, _ terminal: Terminal) {
        var table = Table("BUCKET", "TABLES", "DAYS", "ROWS", "BYTES", "FILES", "SMALL FILES")
        for bucket in statistics.buckets {
            table.rows.append([
                bucket.name, "\(bucket.tables)", "\(bucket.days)", "\(bucket.rows)", "\(bucket.bytes)",
                "\(bucket.files)", "\(bucket.smallFiles)",
            ])
        }
        terminal.write(table.text(terminal))
        terminal.print("")
        let reasons = statistics.quarantined.sorted { $0.key < $1.key }
        let total = reasons.reduce(0) { $0 + $1.value }
        let words = reasons.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        terminal.print("quarantine: \(total) records" + (words.isEmpty ? "" : ": \(words)"))
        let bytes = statistics.unfinished.reduce(0) { $0 + $1.bytes }
        terminal.print(
            "unfinished: \(statistics.unfinished.count) attempts, \(ByteAmount.words(bytes)) in .staging; they run now, or were killed"
        )
        for leftover in statistics.unfinished.prefix(20) {
            terminal.print("  \(leftover.attempt): \(ByteAmount.words(leftover.bytes))")
        }
        terminal.print(
            "former partitions kept for readers: \(statistics.retired.partitions), \(ByteAmount.words(statistics.retired.bytes))"
        )
    }

    private static func json(_ statistics: LakeStatistics) -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.key("buckets")
            writer.array { writer in
                for bucket in statistics.buckets {
                    writer.object {
                        $0.member("bucket", bucket.name)
                        $0.member("tables", bucket.tables)
                        $0.member("days", bucket.days)
                        $0.member("rows", bucket.rows)
                        $0.member("bytes", bucket.bytes)
                        $0.member("files", bucket.files)
                        $0.member("small_files", bucket.smallFiles)
                    }
                }
            }
            writer.key("quarantined")
            writer.object { writer in
                for (reason, count) in statistics.quarantined.sorted(by: { $0.key < $1.key }) {
                    writer.member(reason, count)
                }
            }
            writer.key("unfinished")
            writer.array { writer in
                for leftover in statistics.unfinished {
                    writer.object {
                        $0.member("attempt", leftover.attempt)
                        $0.member("bytes", leftover.bytes)
                    }
                }
            }
            writer.key("retired")
            writer.object {
                $0.member("partitions", statistics.retired.partitions)
                $0.member("bytes", statistics.retired.bytes)
            }
        }
        return writer.text
    }
}
