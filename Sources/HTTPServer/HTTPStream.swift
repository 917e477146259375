import CMicroHTTPD
import Dispatch
import Glibc
import Synchronization

/// A body that is made while it is sent. Its pieces are asked for when the client has taken those before, so a slow client
/// holds up nobody and fills no memory.
public final class HTTPStream: Sendable {
    /// What comes next.
    public enum Piece: Sendable {
        case bytes([UInt8])
        /// Nothing yet: to be asked for again after ``HTTPStream/wake()``, and at the latest after so long.
        case wait(milliseconds: Int)
        case end
    }

    private struct State {
        var connection: Suspended?
        /// Whether somebody has called `wake` since the source was last asked.
        var isAwake = false
        var isStopping = false
        var isClosed = false
        var timer: DispatchTime?
        /// What did not fit into the server's buffer.
        var rest: ArraySlice<UInt8> = []
    }

    /// A connection that waits for the source.
    private struct Suspended: @unchecked Sendable {
        // Only passed on to libmicrohttpd, once, by whoever takes it out of the state.
        var connection: OpaquePointer
    }

    private let state = Mutex(State())
    private let next: @Sendable () -> Piece
    private let closed: @Sendable () -> Void

    /// - Parameters:
    ///   - next: called by one thread of the server at a time; must not block.
    ///   - closed: called once, when nothing is asked for any more: all is sent, or the client is gone.
    public init(next: @escaping @Sendable () -> Piece, closed: @escaping @Sendable () -> Void = {}) {
        self.next = next
        self.closed = closed
    }

    /// There may be something now. From any thread, at any time.
    public func wake() {
        state.withLock { state in
            state.isAwake = true
            if let waiting = state.connection {
                state.connection = nil
                MHD_resume_connection(waiting.connection)
            }
        }
    }

    /// Ends the body with what was sent so far.
    func stop() {
        state.withLock { $0.isStopping = true }
        wake()
    }

    /// Nothing is asked for any more.
    func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        if isFirst { closed() }
    }

    /// For MHD_ContentReaderCallback.
    func read(_ connection: OpaquePointer, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if weir_mhd_is_gone(weir_mhd_socket(connection)) { return Self.broken }
        while true {
            let (rest, isStopping) = state.withLock { state in
                state.isAwake = false
                return (state.rest, state.isStopping)
            }
            if !rest.isEmpty { return give(rest, buffer) }
            if isStopping { return Self.end }
            switch next() {
            case .end: return Self.end
            case .bytes(let bytes): if !bytes.isEmpty { return give(bytes[...], buffer) }
            case .wait(let milliseconds):
                ring(after: milliseconds)
                let isWaiting = state.withLock { state in
                    guard !state.isAwake else { return false }
                    MHD_suspend_connection(connection)
                    state.connection = Suspended(connection: connection)
                    return true
                }
                if isWaiting { return 0 }
            }
        }
    }

    private func give(_ bytes: ArraySlice<UInt8>, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let part = bytes.prefix(buffer.count)
        buffer.copyBytes(from: part)
        state.withLock { $0.rest = bytes.dropFirst(part.count) }
        return part.count
    }

    /// Wakes it later, unless something does so already before that.
    private func ring(after milliseconds: Int) {
        let time = DispatchTime.now() + .milliseconds(milliseconds)
        let isNew = state.withLock { state in
            if let timer = state.timer, timer <= time { return false }
            state.timer = time
            return true
        }
        guard isNew else { return }
        DispatchQueue.global().asyncAfter(deadline: time) { [weak self] in
            guard let self else { return }
            state.withLock { if $0.timer == time { $0.timer = nil } }
            wake()
        }
    }

    /// MHD_CONTENT_READER_END_OF_STREAM and MHD_CONTENT_READER_END_WITH_ERROR, which are macros.
    private static let end = -1
    private static let broken = -2
}

/// The streams of a server that are being sent.
final class Streams: Sendable {
    private struct State {
        var open: [ObjectIdentifier: HTTPStream] = [:]
        var isStopping = false
    }

    private let state = Mutex(State())

    func add(_ stream: HTTPStream) {
        let isStopping = state.withLock { state in
            state.open[ObjectIdentifier(stream)] = stream
            return state.isStopping
        }
        if isStopping { stream.stop() }
    }

    func remove(_ stream: HTTPStream) { state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(stream)) } }

    /// Ends those that are open, and those to come.
    func stop() {
        let open = state.withLock { state in
            state.isStopping = true
            return Array(state.open.values)
        }
        for stream in open { stream.stop() }
    }
}
