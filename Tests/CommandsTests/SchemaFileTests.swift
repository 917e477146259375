import Engine
import SchedulerCore
import Spawn
import Testing

@testable import Commands

/// docs/dag.schema.json, and the files by which scripts/check-schema.py compares it with the parser. Here the parser's half.
@Suite struct SchemaFileTests {
    private static let root = File.parent(of: File.parent(of: File.parent(of: #filePath)))

    private static func files(_ folder: String) throws -> [String] {
        try File.list("\(root)/Tests/SchemaFiles/\(folder)").map { "\(root)/Tests/SchemaFiles/\(folder)/\($0)" }
            .sorted()
    }

    @Test func theFileIsWhatTheProgramPrints() throws {
        let written = String(decoding: try File.read(Self.root + "/docs/dag.schema.json"), as: UTF8.self)
        #expect(
            run(["schema"]).out == written,
            "the schema has changed; write it anew: .build/debug/weir schema >docs/dag.schema.json")
    }

    @Test func validFilesAreAccepted() throws {
        let files = try Self.files("valid")
        #expect(files.count >= 20)
        for path in files {
            let file = DAGFolder.read(path, kinds: Session.kinds)
            #expect(file.dag != nil, "\(path): \(file.errors.map(\.message))")
        }
        // Together too: each has an id of its own.
        #expect(run(["validate"] + files).status == 0)
    }

    @Test func invalidFilesAreRefused() throws {
        let files = try Self.files("invalid")
        #expect(files.count >= 25)
        for path in files {
            let file = DAGFolder.read(path, kinds: Session.kinds)
            // Wrong in one way, so that it is this way which the schema sees.
            #expect(file.dag == nil && file.errors.count == 1, "\(path): \(file.errors.map(\.message))")
        }
    }

    @Test func theDAGFilesOfTheProjectNameTheSchema() throws {
        for name in try File.list(Self.root + "/dags") where name.hasSuffix(".json") {
            let text = String(decoding: try File.read("\(Self.root)/dags/\(name)"), as: UTF8.self)
            #expect(text.contains(#""$schema": "../docs/dag.schema.json""#), "\(name)")
        }
    }
}
