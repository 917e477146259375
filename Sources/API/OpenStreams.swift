import HTTPServer
import SchedulerCore
import Synchronization

/// Answers that go on for long, of which there are only so many at once.
public final class OpenStreams: Sendable {
    private static let most = 256
    private let count = Atomic(0)

    public init() {}

    /// How many are being sent.
    var open: Int { count.load(ordering: .relaxed) }

    /// An answer that is made while it is sent; see ``HTTPStream`` for both functions.
    func response(
        _ type: String, next: @escaping @Sendable () -> HTTPStream.Piece,
        closed: @escaping @Sendable () -> Void = {}
    ) throws(Problem) -> HTTPResponse {
        guard count.add(1, ordering: .relaxed).newValue <= Self.most else {
            count.subtract(1, ordering: .relaxed)
            throw Problem(503, "\(Self.most) streams are open already", code: .unavailable)
        }
        // X-Accel-Buffering: nginx would hold back what is to be seen at once.
        var response = HTTPResponse(headers: [("Content-Type", type), ("X-Accel-Buffering", "no")])
        response.stream = HTTPStream(next: next) { [self] in
            count.subtract(1, ordering: .relaxed)
            closed()
        }
        return response
    }
}
