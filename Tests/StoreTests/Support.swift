import CSQLite
import Glibc
import SQLite
import SchedulerCore
import Testing

@testable import SQLiteStore
@testable import Store

/// A new directory that goes away with its owner. Only files lie in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StoreError(.io, String(cString: strerror(errno))) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    var names: Set<String> {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: Set<String> = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.insert(name) }
        }
        return names
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

/// A store of each kind with its reader: what the conformance tests run over.
final class TestStore {
    enum Kind: String, CaseIterable, Sendable { case memory, sqlite }

    let store: any Store
    let reader: any StoreReader
    private let folder: TemporaryDirectory?

    init(_ kind: Kind) throws {
        switch kind {
        case .memory:
            let both = InMemoryStore()
            (store, reader, folder) = (both, both, nil)
        case .sqlite:
            let folder = try TemporaryDirectory()
            let sqlite = try SQLiteStore(path: folder.path + "/weir.db")
            // Nothing here loses its power.
            try sqlite.connection.run("PRAGMA synchronous = OFF")
            self.folder = folder
            store = sqlite
            reader = try SQLiteReader(path: folder.path + "/weir.db")
        }
    }

    /// A store with one DAG, `daily`, of version 1.
    static func withDAG(_ kind: Kind) throws -> TestStore {
        let test = try TestStore(kind)
        try test.commit(.insertVersion(Sample.version()), .putDAG(Sample.dag()))
        return test
    }

    func commit(_ changes: Change...) throws { try store.commit(changes) }

    /// Why a transaction is refused; nil when it is not.
    func refusal(_ changes: Change...) -> StoreError.Code? { store.refusal(changes) }

    func runs(_ query: RunQuery = RunQuery()) throws -> [Int64] { try reader.runs(query).map(\.id) }
}

extension Store {
    func refusal(_ changes: [Change]) -> StoreError.Code? {
        do throws(StoreError) {
            try commit(changes)
            return nil
        } catch { return error.code }
    }
}

/// The code of the error that `body` throws; nil when it throws none.
func failure<Value>(_ body: () throws(StoreError) -> Value) -> StoreError? {
    do throws(StoreError) {
        _ = try body()
        return nil
    } catch { return error }
}

/// A generator of pseudo-random numbers that a printed seed repeats (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
