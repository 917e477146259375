import HTTPServer
import Spawn
import Synchronization

/// A log on its way to somebody who watches it grow: up to its end, which is when its attempt has ended.
final class LogFollower: Sendable {
    private struct State {
        var offset: Int64
        var looked = ContinuousClock.now
    }

    private let path: String
    private let isRunning: @Sendable () -> Bool
    private let isLetIn: @Sendable () -> Bool
    private let state: Mutex<State>

    /// Between two looks at a log that does not grow.
    private static let pause = 200
    private static let recheck = Duration.seconds(15)

    /// - Parameters:
    ///   - isRunning: whether the attempt may still write.
    ///   - isLetIn: whether the reader may still see it; asked now and then.
    init(
        _ path: String, from offset: Int64, isRunning: @escaping @Sendable () -> Bool,
        isLetIn: @escaping @Sendable () -> Bool
    ) {
        self.path = path
        self.isRunning = isRunning
        self.isLetIn = isLetIn
        state = Mutex(State(offset: offset))
    }

    func next() -> HTTPStream.Piece {
        state.withLock { state in
            if ContinuousClock.now - state.looked >= Self.recheck {
                state.looked = .now
                guard isLetIn() else { return .end }
            }
            // Asked first: what it writes before its end is there when it has ended.
            let isRunning = isRunning()
            guard File.exists(path), let chunk = try? AttemptLog.read(path, from: state.offset, limit: 64 << 10) else {
                return isRunning ? .wait(milliseconds: Self.pause) : .end
            }
            state.offset = chunk.nextOffset
            if !chunk.bytes.isEmpty { return .bytes(chunk.bytes) }
            return isRunning || !chunk.atEnd ? .wait(milliseconds: Self.pause) : .end
        }
    }
}
