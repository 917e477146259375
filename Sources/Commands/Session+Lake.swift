import Engine
import Glibc
import Lake
import ObjectStore
import Observability
import SchedulerCore
import TaskKinds

/// The lake, as a command works on it.
extension Session {
    /// The day that it is, in UTC.
    var today: CivilDate { Zone.utc.date(at: Instant(microseconds: WallClock.now())) }

    /// What manifests say of a change that a person has made.
    var byHand: String { "by hand/\(Session.actor)" }

    /// Calls `body` with the lake and what publishes in it; staged files are removed afterwards.
    func changingTheLake<Value>(_ body: (LakeRoot, Publisher) throws -> Value) throws -> Value {
        let lake = lake(attempt: "command-\(getpid())")
        let publisher = Publisher(lake, isRevoked: { false })
        defer { publisher.cleanUp() }
        do { return try body(lake, publisher) } catch let error as LakeError {
            throw CommandFailure(.failed, error.description)
        } catch let error as ObjectStoreError {
            throw CommandFailure(.failed, error.description)
        }
    }

    /// The lake, as tasks see it.
    func lake(attempt: String) -> LakeRoot { settings.lake(attempt: attempt, surroundings.environment) }
}
