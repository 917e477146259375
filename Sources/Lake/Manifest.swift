import JSONText
import Spawn

/// A file or a manifest of the lake that is not what it should be.
public struct LakeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One line: where, what, and what instead.
    public var description: String
    /// Whether trying again may help; not so for what a person has to put right first.
    public var mayRetry: Bool

    public init(_ description: String, mayRetry: Bool = true) {
        self.description = description
        self.mayRetry = mayRetry
    }
}

/// What a partition holds and where it comes from. The truth about the lake: whatever else tells of it is an index.
public struct Manifest: Sendable {
    public struct DataFile: Sendable, Hashable {
        public var name: String
        public var rows: Int64
        public var bytes: Int64
        public var sha256: String

        public init(name: String, rows: Int64, bytes: Int64, sha256: String) {
            self.name = name
            self.rows = rows
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// A partition that this one was made from.
    public struct Input: Sendable, Hashable {
        public var partition: String
        public var generation: Int64

        public init(partition: String, generation: Int64) {
            self.partition = partition
            self.generation = generation
        }
    }

    /// Where the data of a partition lies that was taken out of the lake.
    public struct Archived: Sendable, Hashable {
        /// The partition of the archive; its last known form, should the archive itself have been deleted since.
        public var partition: String
        public var rows: Int64
        public var bytes: Int64

        public init(partition: String, rows: Int64, bytes: Int64) {
            self.partition = partition
            self.rows = rows
            self.bytes = bytes
        }
    }

    /// Among the counts of raw data: bytes of its longest line.
    public static let largestRecord = "largest_record"
    /// 1 when the records of the raw data lie in the order of source, time and key, and each of them counts.
    public static let inOrder = "in_order"

    /// Rises by one with each publish.
    public var generation: Int64
    public var files: [DataFile]
    /// `dag/run/task` that published it.
    public var run: String
    public var inputs: [Input]
    /// What the publishing task counted: an object of numbers and objects.
    public var counts: JSONNode
    /// Of Parquet data; empty where the publisher did not know them.
    public var columns: [Column]
    /// What the rows are, for people; empty when nobody has said it.
    public var description: String
    /// Not nil: the day is closed. The manifest stays, its data was archived.
    public var archived: Archived?
    /// The data was removed because it had become old; what it was made from can make it again.
    public var isExpired: Bool
    /// In S3: the object that holds the index of raw data.
    var index: String?
    /// In S3: objects of the generation before, which readers may still have open.
    var former: [String] = []

    public init(
        generation: Int64 = 0, files: [DataFile], run: String, inputs: [Input] = [],
        counts: JSONNode = JSONNode(.object(JSONObject())), columns: [Column] = [], description: String = "",
        archived: Archived? = nil, isExpired: Bool = false
    ) {
        self.generation = generation
        self.files = files
        self.run = run
        self.inputs = inputs
        self.counts = counts
        self.archived = archived
        self.isExpired = isExpired
        self.columns = columns
        self.description = description
    }

    /// Whether the files are segments of a raw bucket, and not Parquet.
    public var isRaw: Bool {
        files.contains { $0.name.hasSuffix(SegmentFile.suffix) || $0.name.hasSuffix(".ndjson") }
    }

    public var rows: Int64 { files.reduce(0) { $0 + $1.rows } }
    public var bytes: Int64 { files.reduce(0) { $0 + $1.bytes } }

    init(reading path: String) throws {
        guard let bytes = try? File.read(path) else {
            throw LakeError("\(path): cannot be read; publish the partition again")
        }
        try self.init(parsing: bytes, path)
    }

    /// - Parameter path: of messages.
    init(parsing bytes: [UInt8], _ path: String) throws {
        let damaged = { (what: String) in LakeError("\(path): \(what); publish the partition again") }
        guard let root = (try? JSONDocument(parsing: bytes))?.root else { throw damaged("is not JSON") }
        guard let generation = root["generation"]?.integer, let list = root["files"]?.array,
            let run = root["run"]?.string
        else { throw damaged("lacks generation, files or run") }
        self.generation = generation
        self.run = run
        files = try list.map { node in
            guard let name = node["name"]?.string, let rows = node["rows"]?.integer, let bytes = node["bytes"]?.integer,
                let sha256 = node["sha256"]?.string
            else { throw damaged("has a file without name, rows, bytes or sha256") }
            // Whoever writes a manifest could have any file read by a name such as `../../x`.
            guard !name.contains("/"), !name.hasPrefix(".") else { throw damaged("names a file '\(name)'") }
            return DataFile(name: name, rows: rows, bytes: bytes, sha256: sha256)
        }
        inputs = (root["inputs"]?.array ?? []).compactMap { node in
            guard let partition = node["partition"]?.string, let generation = node["generation"]?.integer else {
                return nil
            }
            return Input(partition: partition, generation: generation)
        }
        counts = root["counts"] ?? JSONNode(.object(JSONObject()))
        archived = root["archived"].flatMap { node in
            guard let partition = node["partition"]?.string else { return nil }
            return Archived(
                partition: partition, rows: node["rows"]?.integer ?? 0, bytes: node["bytes"]?.integer ?? 0)
        }
        isExpired = root["expired"]?.bool ?? false
        let objects = (root["former"]?.array ?? []).compactMap(\.string) + [root["index"]?.string].compactMap(\.self)
        for name in objects where name.contains("/") || name.hasPrefix(".") { throw damaged("names a file '\(name)'") }
        index = root["index"]?.string
        former = (root["former"]?.array ?? []).compactMap(\.string)
        columns = Column.read(root["columns"])
        description = root["description"]?.string ?? ""
    }

    var json: [UInt8] {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("generation", generation)
            writer.member("rows", rows)
            writer.member("bytes", bytes)
            writer.member("run", run)
            writer.key("files")
            writer.array { writer in
                for file in files {
                    writer.object {
                        $0.member("name", file.name)
                        $0.member("rows", file.rows)
                        $0.member("bytes", file.bytes)
                        $0.member("sha256", file.sha256)
                    }
                }
            }
            writer.key("inputs")
            writer.array { writer in
                for input in inputs {
                    writer.object {
                        $0.member("partition", input.partition)
                        $0.member("generation", input.generation)
                    }
                }
            }
            writer.member("counts", counts)
            if let archived {
                writer.key("archived")
                writer.object {
                    $0.member("partition", archived.partition)
                    $0.member("rows", archived.rows)
                    $0.member("bytes", archived.bytes)
                }
            }
            if isExpired { writer.member("expired", true) }
            if let index { writer.member("index", index) }
            if !former.isEmpty { writer.member("former", former) }
            if !description.isEmpty { writer.member("description", description) }
            if !columns.isEmpty {
                writer.key("columns")
                writer.array { writer in for column in columns { column.write(to: &writer) } }
            }
        }
        return writer.bytes + [0x0A]
    }
}

extension JSONNode {
    /// An object with one more number.
    func adding(_ key: String, _ value: Int64) -> JSONNode {
        adding([JSONMember(key: key, node: JSONNode(.integer(value)))])
    }

    /// An object with those members of another that it does not have.
    func keeping(_ other: JSONNode) -> JSONNode {
        adding((other.object?.members ?? []).filter { self[$0.key] == nil })
    }

    private func adding(_ members: [JSONMember]) -> JSONNode {
        JSONNode(.object(JSONObject((object?.members ?? []) + members)))
    }
}
