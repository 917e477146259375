import JSONText
import ObjectStore

/// Rules for the owner of a bucket of archives.
enum LakeLifecycleCommand {
    static let spec = CommandSpec(
        name: "lake lifecycle", summary: "print lifecycle rules for a bucket of archives; changes nothing",
        options: [
            .value("--into", "PLACE", "where the archives lie: s3://BUCKET/PREFIX"),
            .value(
                "--storage-class", "CLASS", values: .words(LakeUpkeepCommand.storageClasses),
                "move archives into this class after --after"),
            .value("--after", "DAYS", values: .number, "age at which they are moved (0: within a day)"),
            .value(
                "--archive-days", "N", values: .number,
                "age at which what Weir has left behind is deleted; Weir itself deletes earlier (400)"),
        ],
        examples: [
            (
                "weir lake lifecycle --into s3://my-archive/alpr --storage-class DEEP_ARCHIVE > rules.json",
                "for `aws s3api put-bucket-lifecycle-configuration --lifecycle-configuration file://rules.json`"
            )
        ]
    ) { arguments, surroundings in
        guard let place = arguments.value("--into") else {
            throw arguments.usage("--into is missing: s3://BUCKET or s3://BUCKET/PREFIX")
        }
        guard let location = S3Location(place) else {
            throw arguments.usage("--into is '\(place)'; it is s3://BUCKET or s3://BUCKET/PREFIX")
        }
        let storageClass = arguments.value("--storage-class")
        let after = try arguments.integer("--after", in: 0...36_500)
        guard after == nil || storageClass != nil else {
            throw arguments.usage("--after says when --storage-class begins, which is missing")
        }
        let days = try arguments.integer("--archive-days", in: 1...36_500) ?? 400
        guard days > after ?? 0 else { throw arguments.usage("--archive-days must be more than --after") }
        surroundings.terminal.print(rules(location, storageClass, after: after ?? 0, expires: days))
        return .done
    }

    /// As `LifecycleConfiguration` of the Amazon S3 API Reference has them.
    private static func rules(_ location: S3Location, _ storageClass: String?, after: Int, expires: Int) -> String {
        let prefix = location.prefix.isEmpty ? "" : location.prefix + "/"
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.key("Rules")
            writer.array { writer in
                writer.object { writer in
                    writer.member("ID", "weir-archives")
                    writer.member("Status", "Enabled")
                    writer.key("Filter")
                    writer.object { $0.member("Prefix", prefix) }
                    // Parts of an upload that was killed are seen by nobody, and cost.
                    writer.key("AbortIncompleteMultipartUpload")
                    writer.object { $0.member("DaysAfterInitiation", 7) }
                    writer.key("Expiration")
                    writer.object { $0.member("Days", expires) }
                }
                guard let storageClass else { return }
                writer.object { writer in
                    writer.member("ID", "weir-archives-\(storageClass.lowercased())")
                    writer.member("Status", "Enabled")
                    writer.key("Filter")
                    writer.object { writer in
                        writer.key("And")
                        writer.object {
                            $0.member("Prefix", prefix)
                            // Manifests stay where they can be read at once.
                            $0.member("ObjectSizeGreaterThan", 128 << 10)
                        }
                    }
                    writer.key("Transitions")
                    writer.array {
                        $0.object {
                            $0.member("Days", after)
                            $0.member("StorageClass", storageClass)
                        }
                    }
                }
            }
        }
        return writer.text
    }
}
