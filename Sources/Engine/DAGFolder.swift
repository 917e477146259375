import Glibc
import Observability
import SchedulerCore
import Spawn

/// One file of the DAG folder, as read.
public struct LoadedDAGFile: Sendable {
    /// Name within the folder.
    public var file: String
    public var path: String
    public var bytes: [UInt8]
    /// Nil when the file has an error.
    public var dag: DAG?
    public var diagnostics: [Diagnostic]
    public var sha256: String

    public var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
}

/// The DAG folder: every `*.json` directly in it, read and checked.
public struct DAGFolderContents: Sendable {
    /// By name.
    public var files: [LoadedDAGFile]
    /// Why the folder itself could not be read.
    public var problem: String?

    public func file(ofDAG id: String) -> LoadedDAGFile? { files.first { $0.dag?.id == id } }
}

public enum DAGFolder {
    /// Reads and checks the whole folder. Two files with one id are both in error.
    ///
    /// - Parameter now: what time it is, for warnings of bounds that are to come or have passed.
    public static func load(
        _ home: Home, kinds: [KindSpec], now: Instant? = nil, names: ConfiguredNames? = nil
    ) -> DAGFolderContents {
        var cache = Cache()
        return cache.load(home, kinds: kinds, now: now, names: names)
    }

    /// Reads and checks those files only that may be of one DAG: a text with neither its id nor an escape in it is of another.
    /// Of ten thousand files that leaves one, whose checks are most of the time.
    public static func load(
        _ home: Home, dag id: String, kinds: [KindSpec], names: ConfiguredNames? = nil
    ) -> DAGFolderContents {
        var cache = Cache()
        return cache.load(home, kinds: kinds, names: names) { path in
            guard let bytes = try? File.read(path, limit: largest) else { return true }
            return bytes.contains(UInt8(ascii: "\\")) || contains(bytes, Array("\"\(id)\"".utf8))
        }
    }

    private static func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            var start = 0
            while start + wanted.count <= bytes.count,
                let found = memchr(base + start, Int32(wanted[0]), bytes.count - start - wanted.count + 1)
            {
                if memcmp(found, wanted, wanted.count) == 0 { return true }
                start = base.distance(to: UnsafeRawPointer(found)) + 1
            }
            return false
        }
    }

    /// Bytes of a DAG file that is read at all.
    private static let largest = 16 << 20

    /// Reads and checks one file anywhere.
    public static func read(
        _ path: String, kinds: [KindSpec], now: Instant? = nil, names: ConfiguredNames? = nil
    ) -> LoadedDAGFile {
        let name = name(of: path)
        do {
            // Anything else could keep its reader waiting for ever.
            if let status = File.status(path), status.kind != .file {
                throw SystemError("open", path: path, code: EINVAL)
            }
            let bytes = try File.read(path, limit: largest)
            let context = DAGValidationContext(kinds: kinds, now: now, names: names, zone: { SystemZones.zone($0) })
            let (dag, diagnostics) = DAGParser.parse(bytes, context: context)
            let hash = bytes.withUnsafeBytes { SHA256.hex($0) }
            return LoadedDAGFile(
                file: name, path: path, bytes: bytes, dag: dag, diagnostics: diagnostics, sha256: hash)
        } catch {
            let problem = Diagnostic(
                line: 1, column: 1, path: "$", code: "unreadable", message: "\(error)", severity: .error)
            return LoadedDAGFile(file: name, path: path, bytes: [], dag: nil, diagnostics: [problem], sha256: "")
        }
    }

    /// Remembers what it read, so that a file that has not changed is not read again.
    public struct Cache: Sendable {
        private struct Entry {
            var status: File.Status
            var file: LoadedDAGFile
            /// False when the file was read so soon after it changed that a further change could have the same time.
            var isSettled: Bool
        }

        private var known: [String: Entry] = [:]
        /// The names of the files of each DAG: one, or those that are in error because they are several.
        private var files: [String: [String]] = [:]
        private var checkedAgainst: ConfiguredNames?
        /// Coarser than the time stamps of any file system.
        private static let settle: Int64 = 2_000_000

        public init() {}

        /// Whether the files that a DAG was read from are as they were then, so that no reading could tell more about it.
        /// Looks at these alone, however many others there are.
        public func isCurrent(_ dag: String, _ home: Home, names: ConfiguredNames?) -> Bool {
            guard names == checkedAgainst, let files = files[dag] else { return false }
            return files.allSatisfy { name in
                guard let entry = known[name], entry.isSettled else { return false }
                return File.status(home.dags + "/" + name) == entry.status
            }
        }

        /// - Parameter isWanted: whether the file at this path is read at all.
        public mutating func load(
            _ home: Home, kinds: [KindSpec], now: Instant? = nil, names: ConfiguredNames? = nil,
            isWanted: (String) -> Bool = { _ in true }
        ) -> DAGFolderContents {
            if names != checkedAgainst { known = [:] }
            checkedAgainst = names
            let found: [String]
            do {
                found = try File.list(home.dags).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
            } catch {
                return DAGFolderContents(files: [], problem: "\(error)")
            }
            var next: [String: Entry] = [:]
            var files: [LoadedDAGFile] = []
            for name in found {
                let path = home.dags + "/" + name
                guard let status = File.status(path), status.kind == .file, isWanted(path) else { continue }
                if let before = known[name], before.status == status, before.isSettled {
                    next[name] = before
                } else {
                    let isSettled = status.modified < WallClock.now() - Self.settle
                    next[name] = Entry(
                        status: status, file: DAGFolder.read(path, kinds: kinds, now: now, names: names),
                        isSettled: isSettled)
                }
                if let file = next[name]?.file { files.append(file) }
            }
            known = next
            self.files = Dictionary(grouping: files.filter { $0.dag != nil }, by: { $0.dag?.id ?? "" })
                .mapValues { $0.map(\.file) }
            DAGFolder.refuseDoubles(&files)
            return DAGFolderContents(files: files, problem: nil)
        }
    }

    /// Files that share an id are in error, all of them.
    public static func refuseDoubles(_ files: inout [LoadedDAGFile]) {
        let byID = Dictionary(grouping: files.compactMap { file in file.dag.map { ($0.id, file.path) } }, by: \.0)
        for index in files.indices {
            guard let id = files[index].dag?.id, let others = byID[id], others.count > 1 else { continue }
            let other = others.map(\.1).first { $0 != files[index].path } ?? ""
            files[index].dag = nil
            files[index].diagnostics.append(
                Diagnostic(
                    line: 1, column: 1, path: "$.id", code: "duplicate_dag",
                    message: "DAG id '\(id)' is also in \(name(of: other)); give each file its own id", severity: .error
                ))
        }
    }

    private static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
