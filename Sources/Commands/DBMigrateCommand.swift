import Engine
import JSONText
import SQLiteStore
import Store

/// `weir db migrate`: brings the store to this Weir's format without starting anything.
enum DBMigrateCommand {
    static let spec = CommandSpec(
        name: "db migrate", summary: "bring the store to this Weir's format, after a copy was made",
        options: [CommandSpec.json],
        examples: [("weir db migrate", "what every start of the daemon does, by itself and without a daemon")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let lock: StateLock
        do throws(EngineError) { lock = try StateLock.acquire(session.home) } catch { throw CommandFailure(error) }
        defer { withExtendedLifetime(lock) {} }
        let done: StoreMaintenance.Migration
        do throws(StoreError) {
            done = try StoreMaintenance.migrate(session.home.database, hooks: EngineAccess.hooks)
        } catch {
            throw error.code == .missing ? CommandFailure(.notFound, error.message) : CommandFailure(error)
        }
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.object {
                $0.member("from", done.from)
                $0.member("to", done.to)
                $0.member("copy", done.copy)
            }
            session.terminal.print(writer.text)
        } else if done.from == done.to {
            session.terminal.print("\(session.home.database) has format \(done.to), which is this Weir's")
        } else {
            session.terminal.print("\(session.home.database) had format \(done.from) and has format \(done.to) now")
            if let copy = done.copy { session.terminal.print("a copy from before is \(copy)") }
        }
        return .done
    }
}
