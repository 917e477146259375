import Glibc
import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// A folder that is gone when the test ends.
final class Scratch {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-lake-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit { try? File.removeTree(path) }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = path + "/" + name
        try File.makeDirectory(File.parent(of: file), recursive: true)
        try File.writeAtomically(file, bytes)
    }

    /// The lake of this folder, as one attempt sees it.
    func lake(attempt: Int64 = 1) -> LakeRoot { LakeRoot(path: path + "/state/lake", attempt: "\(attempt)") }
}

enum Project {
    /// The project's folder, found from this file.
    static let root: String = {
        var folder = File.parent(of: #filePath)
        while folder != "/", !File.exists(folder + "/Package.swift") { folder = File.parent(of: folder) }
        return folder
    }()

    static func alprSchema() throws -> RecordSchema {
        try RecordSchema(path: root + "/dags/alpr/record_schema.json")
    }
}

extension Publisher {
    /// One that is never revoked.
    init(_ lake: LakeRoot) { self.init(lake, isRevoked: { false }) }
}

enum Attempt {
    /// What a task of a run is told, without a supervisor around it.
    static func context(
        _ scratch: Scratch, kind: String, day: String, end: String? = nil, with: String, tasks: String = "[]"
    ) throws -> TaskContext {
        let directory = AttemptDirectory(path: scratch.path + "/attempt")
        try directory.create()
        let text = """
            {"kind": "\(kind)", "dag_id": "d", "run_id": "r", "task_id": "\(kind)", "home": "\(scratch.path)", "ds": "\(day)",
             "logical_date": "\(day)T00:00:00Z", "data_interval_start": "\(day)T00:00:00Z",
             "data_interval_end": "\(end ?? day)T00:00:00Z", "with": \(with), "tasks": \(tasks)}
            """
        return try TaskContext(directory: directory, attempt: 1, task: try JSONDocument(parsing: text).root)
    }
}
