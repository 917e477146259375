import Glibc
import JSONText
import Spawn
import Synchronization
import Testing

@testable import Lake

@Suite struct PublisherTests {
    private func publish(
        _ lake: LakeRoot, _ text: String, rows: Int64, allowShrink: Bool = false, revoked: Bool = false
    ) throws -> Manifest {
        let partition = lake.partition("b", "2022-05-02")
        let publisher = Publisher(lake, isRevoked: { revoked })
        defer { publisher.cleanUp() }
        let staged = try publisher.stage(partition)
        try File.writeAtomically(staged + "/data.parquet", Array(text.utf8))
        let (bytes, hash) = try SHA256.file(staged + "/data.parquet")
        let file = Manifest.DataFile(name: "data.parquet", rows: rows, bytes: bytes, sha256: hash)
        return try publisher.locked(partition) {
            try publisher.publish(
                staged, as: partition,
                Manifest(files: [file], run: "d/r/t", inputs: [.init(partition: "x", generation: 4)]),
                allowShrink: allowShrink)
        }
    }

    private func content(_ lake: LakeRoot) throws -> String {
        String(decoding: try File.read(lake.partition("b", "2022-05-02").data), as: UTF8.self)
    }

    @Test func eachPublishReplacesThePartitionAndRaisesItsGeneration() throws {
        let scratch = try Scratch()
        for generation in Int64(1)...3 {
            let lake = scratch.lake(attempt: generation)
            #expect(try publish(lake, "content \(generation)", rows: 10).generation == generation)
            #expect(try content(lake) == "content \(generation)")
            let manifest = try #require(try lake.partition("b", "2022-05-02").manifest())
            #expect(manifest.generation == generation)
            #expect(manifest.rows == 10)
            #expect(manifest.run == "d/r/t")
            #expect(manifest.inputs == [.init(partition: "x", generation: 4)])
            #expect(manifest.files.first?.sha256.count == 64)
        }
        // The two former ones stay for those who read them; nothing of the attempts is left.
        let left = try File.list(scratch.path + "/state/lake/.staging")
        #expect(left == ["retired"])
        #expect(try File.list(scratch.path + "/state/lake/.staging/retired").count == 2)
    }

    @Test func underHalfOfTheRowsIsRefusedUnlessAllowed() throws {
        let scratch = try Scratch()
        let lake = scratch.lake()
        _ = try publish(lake, "many", rows: 100)
        let error = #expect(throws: LakeError.self) { try publish(lake, "few", rows: 49) }
        #expect(error?.description.contains("49 rows would replace 100") == true)
        #expect(error?.mayRetry == false)
        #expect(try content(lake) == "many")
        #expect(try publish(lake, "half", rows: 50).generation == 2)
        #expect(try publish(lake, "few", rows: 1, allowShrink: true).generation == 3)
    }

    @Test func anAttemptThatWasRevokedPublishesNothing() throws {
        let scratch = try Scratch()
        let lake = scratch.lake()
        _ = try publish(lake, "old", rows: 1)
        #expect(throws: LakeError.self) { try publish(lake, "new", rows: 1, revoked: true) }
        #expect(try content(lake) == "old")
        #expect(try lake.partition("b", "2022-05-02").manifest()?.generation == 1)
    }

    /// Data and manifest always belong together, and there is never a moment without either.
    @Test func aReaderSeesTheOldPartitionOrTheNewOne() throws {
        let scratch = try Scratch()
        _ = try publish(scratch.lake(), "0", rows: 0)
        let partition = scratch.lake().partition("b", "2022-05-02").path
        let mixed = Mutex<[String]>([])
        let reads = Atomic<Int>(0)
        let done = Atomic<Bool>(false)
        let reader = Thread {
            while !done.load(ordering: .relaxed) {
                // One descriptor of the folder: what a reader has opened stays what it is.
                let folder = open(partition, O_RDONLY | O_DIRECTORY)
                guard folder >= 0 else {
                    mixed.withLock { $0.append("no folder") }
                    continue
                }
                let data = Self.read(folder, "data.parquet")
                let manifest = Self.read(folder, "_manifest.json")
                close(folder)
                reads.add(1, ordering: .relaxed)
                guard let data, let manifest, manifest.contains("\"rows\": \(data),") else {
                    mixed.withLock { $0.append("\(data ?? "?") with \(manifest ?? "?")") }
                    continue
                }
            }
        }
        for number in 1...200 {
            _ = try publish(scratch.lake(attempt: Int64(number)), "\(number)", rows: Int64(number), allowShrink: true)
        }
        while reads.load(ordering: .relaxed) < 50 { sched_yield() }
        done.store(true, ordering: .relaxed)
        reader.join()
        #expect(mixed.withLock { $0 } == [])
    }

    private static func read(_ folder: Int32, _ name: String) -> String? {
        let file = openat(folder, name, O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(file, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    @Test func aDamagedManifestIsToldWithItsPath() throws {
        let scratch = try Scratch()
        try scratch.write("state/lake/b/dt=2022-05-02/_manifest.json", "{\"files\": []}")
        let partition = scratch.lake().partition("b", "2022-05-02")
        let error = #expect(throws: LakeError.self) { try partition.manifest() }
        #expect(error?.description.contains("_manifest.json: lacks generation") == true)
        #expect(try scratch.lake().partition("b", "2022-05-03").manifest() == nil)
    }
}

/// A thread of the system, for a reader beside a writer.
private final class Thread: @unchecked Sendable {
    // Written once by init, read once by join.
    private var id = pthread_t()
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        pthread_create(
            &id, nil,
            { argument in
                argument.map { Unmanaged<Thread>.fromOpaque($0).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
    }

    func join() { pthread_join(id, nil) }
}
