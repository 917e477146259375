import Glibc
import Lake
import SchedulerCore
import Spawn

/// What `weir task DIRECTORY` does: one attempt of a built-in kind.
public enum TaskProgram {
    private static let succeeded: Int32 = 0
    private static let failed: Int32 = 1
    private static let notYet: Int32 = 97
    private static let failedForGood: Int32 = 98
    private static let skipped: Int32 = 99
    /// For a mail system that has taken a message and delivers it in the background. Without it the message would lie in
    /// its queue until it looks again.
    private static let patienceMicroseconds: Int64 = 10_000_000

    /// Runs the attempt; the exit status tells the supervisor how it went, the last line of the log says why.
    public static func run(attemptDirectory: String) -> Int32 {
        do {
            let context = try TaskContext(directory: AttemptDirectory(path: attemptDirectory))
            guard let kind = TaskKindRegistry.all.first(where: { $0.spec.name == context.kind }) else {
                complain("this Weir has no task kind '\(context.kind)'")
                return failedForGood
            }
            // The supervisor ends whatever is left when this process has ended.
            Orphans.adopt()
            switch try kind.run(context) {
            case .success:
                Orphans.wait(Self.patienceMicroseconds)
                return succeeded
            case .skipped(let reason):
                complain("skipped: \(reason)")
                return skipped
            case .notYet(let reason):
                complain(reason)
                return notYet
            }
        } catch let failure as TaskFailure {
            complain(failure.message)
            return failure.mayRetry ? failed : failedForGood
        } catch let error as LakeError {
            complain("\(error)")
            return error.mayRetry ? failed : failedForGood
        } catch {
            complain("\(error)")
            return failed
        }
    }

    private static func complain(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(2, bytes, bytes.count)
    }
}
