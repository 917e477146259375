import Access
import Engine
import Observability
import SchedulerCore
import Spawn

extension Session {
    /// A session for commands about users and tokens, which work with broken settings, too.
    static func ofAccess(_ arguments: Arguments, _ surroundings: Surroundings) throws(CommandFailure) -> Session {
        try Session(arguments, surroundings, settings: .none)
    }

    /// The database of users and tokens; a running daemon sees at once what is changed in it.
    ///
    /// - Parameter creates: whether it is made when it is missing.
    func access(creates: Bool = false) throws(CommandFailure) -> AccessStore {
        if creates {
            do throws(SystemError) { try File.makeDirectory(home.state) } catch {
                throw CommandFailure(.failed, "\(error)")
            }
        }
        do throws(AccessError) { return try AccessStore(path: home.accessDatabase, creates: creates) } catch {
            throw CommandFailure(error)
        }
    }

    /// As `access`, for what lists: nil when there is no user yet.
    func existingAccess() throws(CommandFailure) -> AccessStore? {
        File.exists(home.accessDatabase) ? try access() : nil
    }

    /// Who does it, for the audit of users and tokens: not one of its own users.
    static var accessActor: String { "os:\(actor)" }

    static var now: Instant { Instant(microseconds: WallClock.now()) }
}

extension CommandFailure {
    init(_ error: AccessError) {
        let status: ExitCode =
            switch error.code {
            case .notFound: .notFound
            case .invalid: .usage
            case .exists, .lastAdmin, .store: .failed
            case .busy: .unavailable
            }
        self.init(status, error.message)
    }
}

/// Does something with users or tokens; what goes wrong becomes a line and an exit status.
func accessing<Value>(_ body: () throws(AccessError) -> Value) throws(CommandFailure) -> Value {
    do throws(AccessError) { return try body() } catch { throw CommandFailure(error) }
}
