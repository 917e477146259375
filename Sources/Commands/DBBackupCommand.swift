import CPosix
import Engine
import Glibc
import JSONText
import SQLiteStore
import SchedulerCore
import Spawn
import Store

/// `weir db backup`: a copy of the store as it stands at one moment.
enum DBBackupCommand {
    static let spec = CommandSpec(
        name: "db backup", summary: "copy the store to a file, also beside a running daemon",
        positionals: [.init(name: "FILE", values: .file, help: "where the copy goes")],
        options: [.flag("--force", "replace FILE when it is there"), CommandSpec.json],
        examples: [
            ("weir db backup /backup/weir-$(date +%F).db", "docs/operations.md says how to restore it")
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let file = arguments.required(0)
        let isForced = arguments.has("--force")
        try check(file, isForced: isForced, session.home)
        do {
            try write(session.home.database, to: file, replacing: isForced)
        } catch let error as SystemError where error.code == EEXIST {
            throw CommandFailure(.failed, exists(file))
        } catch let error as StoreError {
            throw error.code == .missing ? CommandFailure(.notFound, error.message) : CommandFailure(error)
        } catch {
            throw CommandFailure(.failed, "the backup was not made: \(error)")
        }
        let bytes = File.status(file)?.size ?? 0
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.object {
                $0.member("file", file)
                $0.member("bytes", bytes)
            }
            session.terminal.print(writer.text)
        } else {
            session.terminal.print("\(file): \(bytes) bytes")
        }
        return .done
    }

    private static func exists(_ file: String) -> String { "\(file) is there already; --force replaces it" }

    private static func check(_ file: String, isForced: Bool, _ home: Home) throws(CommandFailure) {
        let ends = ["", "-wal", "-shm", "-journal"]
        // Also those that are not there at the moment: SQLite would take the copy for its own log.
        let isBeside = File.status(File.parent(of: file)).map { $0 == File.status(home.state) } ?? false
        if isBeside, ends.contains(where: { file.hasSuffix("/weir.db" + $0) || file == "weir.db" + $0 }) {
            throw CommandFailure(.failed, "\(file) is the store itself: name another file")
        }
        guard let target = File.status(file) else { return }
        guard isForced else { throw CommandFailure(.failed, exists(file)) }
        guard target.kind == .file else { throw CommandFailure(.failed, "\(file) is no file: name another one") }
        for end in ends {
            if let status = File.status(home.database + end), status.device == target.device,
                status.inode == target.inode
            {
                throw CommandFailure(.failed, "\(file) is the store itself: name another file")
            }
        }
    }

    /// In place whole, and on the disk, or not at all.
    private static func write(_ database: String, to file: String, replacing: Bool) throws {
        let temporary = "\(file).tmp-\(getpid())"
        try? File.removeTree(temporary)
        guard try File.create(temporary, []) else { throw SystemError("open", path: temporary, code: EEXIST) }
        do {
            try StoreMaintenance.copy(database, to: temporary)
            Fault.point("backup.half")
            let copy = try FileDescriptor.open(temporary, O_RDONLY)
            guard fsync(copy.raw) == 0 else { throw SystemError("fsync", path: temporary) }
            try put(temporary, at: file, replacing: replacing)
            try File.syncDirectory(File.parent(of: file))
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func put(_ temporary: String, at file: String, replacing: Bool) throws(SystemError) {
        if !replacing {
            if weir_renameat2(temporary, file, UInt32(WEIR_RENAME_NOREPLACE)) == 0 { return }
            // Some network file systems do not know it; that FILE is not there was seen before.
            guard errno == EINVAL || errno == ENOSYS else { throw SystemError("rename", path: file) }
        }
        guard rename(temporary, file) == 0 else { throw SystemError("rename", path: file) }
    }
}
