import JSONText
import Lake

/// A table of the lake as JSON.
public enum TableJSON {
    public static func write(_ table: LakeTable, to writer: inout JSONWriter) {
        writer.object { writeMembers(table, to: &$0) }
    }

    private static func writeMembers(_ table: LakeTable, to writer: inout JSONWriter) {
        writer.member("table", table.name)
        writer.member("bucket", table.bucket)
        writer.member("dataset", table.dataset)
        writer.member("description", table.description)
        writer.member("partitions", table.partitions.count)
        writer.member("rows", table.rows)
        writer.member("bytes", table.bytes)
        writer.member("first_day", table.partitions.first?.day)
        writer.member("last_day", table.partitions.last?.day)
    }

    static func writeWithColumns(_ table: LakeTable, to writer: inout JSONWriter) {
        writer.object { writer in
            writeMembers(table, to: &writer)
            writer.key("columns")
            writer.array { writer in for column in table.columns { ColumnJSON.write(column, to: &writer) } }
        }
    }

    private static let fields: [Field] = [
        .required("table", .string()), .required("bucket", .string()), .required("dataset", .nullable(.string())),
        .required("description", .string()), .required("partitions", .integer(), "days"), .required("rows", .integer()),
        .required("bytes", .integer()), .required("first_day", .nullable(.day)), .required("last_day", .nullable(.day)),
    ]

    static let schema = NamedSchema(name: "Table", help: "a table of the lake", fields: fields)
    static let columnsSchema = NamedSchema(
        name: "TableWithColumns", help: "a table of the lake, with its columns",
        fields: fields + [.required("columns", .array(.named(ColumnJSON.schema)))])
}

enum ColumnJSON {
    static func write(_ column: Column, to writer: inout JSONWriter) {
        writer.object {
            $0.member("name", column.name)
            $0.member("type", column.type)
            $0.member("description", column.description)
        }
    }

    static let schema = NamedSchema(
        name: "Column", help: "a column of a table",
        fields: [
            .required("name", .string()), .required("type", .string(), "as DuckDB names it"),
            .required("description", .string()),
        ])
}

/// A day of a table as JSON.
public enum PartitionJSON {
    public static func write(_ partition: TablePartition, to writer: inout JSONWriter) {
        writer.object {
            $0.member("day", partition.day)
            $0.member("generation", partition.manifest.generation)
            $0.member("rows", partition.manifest.rows)
            $0.member("bytes", partition.manifest.bytes)
            $0.member("files", partition.manifest.files.count)
            $0.member("run", partition.manifest.run)
        }
    }

    static let schema = NamedSchema(
        name: "Partition", help: "a day of a table",
        fields: [
            .required("day", .day), .required("generation", .integer(), "how often it was published"),
            .required("rows", .integer()), .required("bytes", .integer()), .required("files", .integer()),
            .required("run", .anything, "what made it"),
        ])
}

/// Where a day of a table comes from, as JSON.
public enum LineageJSON {
    public static func write(_ lineage: Lineage, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("partition", lineage.name)
            writer.member("generation_used", lineage.consumed)
            writer.member("generation", lineage.manifest?.generation)
            writer.member("is_newer", lineage.isNewer)
            writer.member("is_stale", lineage.isStale)
            writer.member("run", lineage.manifest?.run)
            writer.member("rows", lineage.manifest?.rows)
            writer.member("files", lineage.manifest?.files.count)
            writer.member("source_files", lineage.sourceFiles)
            if let counts = lineage.manifest?.counts { writer.member("counts", counts) }
            writer.key("inputs")
            writer.array { writer in for input in lineage.inputs { write(input, to: &writer) } }
        }
    }

    static let schema = NamedSchema(
        name: "Lineage", help: "a partition and those that it was made from",
        fields: [
            .required("partition", .string(), "such as lakestorage/plate/dt=2022-05-02"),
            .required("generation_used", .nullable(.integer()), "null for the one that was asked for"),
            .required("generation", .nullable(.integer()), "as it stands; null when it is gone"),
            .required("is_newer", .boolean, "published again since it was used"),
            .required("is_stale", .boolean, "something below it was"), .required("run", .anything),
            .required("rows", .nullable(.integer())), .required("files", .nullable(.integer())),
            .required("source_files", .nullable(.integer()), "of raw data"), .optional("counts", .map(.anything)),
            .required("inputs", .array(.map(.anything)), "of the same form"),
        ])
}
