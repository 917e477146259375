import Access
import HTTPServer
import Synchronization

/// What happens, as server-sent events (HTML Living Standard, 9.2).
extension APIService.Data {
    var eventRoutes: [Route] {
        let (feed, streams) = (feed, streams)
        return [
            Route(
                method: .get, path: "/api/v1/events", name: "events",
                summary: "what happens, as it happens: server-sent events with the data of the lists", role: .viewer,
                query: [
                    .optional("kind", .array(.words(of: EventFeed.Kind.self)), "only these; may be repeated"),
                    .optional("dag_id", .array(.string()), "only what is about these DAGs; may be repeated"),
                    .optional(
                        "last_event_id", .string(),
                        "go on after this event, as the header Last-Event-ID does; without either only what is to come"),
                ], answer: .text("text/event-stream")
            ) { request in
                let last = request.http.header("Last-Event-ID") ?? request.text("last_event_id")
                let kinds = request.words("kind", EventFeed.Kind.self)
                let stream = EventStream(
                    feed, after: last, kinds: kinds.isEmpty ? Set(EventFeed.Kind.allCases) : kinds,
                    dags: Set(request.texts("dag_id")), isLetIn: request.isLetIn)
                let response = try streams.response(
                    "text/event-stream", next: { stream.next() }, closed: { feed.unsubscribe(stream) })
                feed.subscribe(stream) { [weak http = response.stream] in http?.wake() }
                return response
            }
        ]
    }
}

/// The events of one subscriber.
final class EventStream: Sendable {
    private struct State {
        /// The number of the next event.
        var next: UInt64
        /// What is to be said before it.
        var greeting: String
        var spoken = ContinuousClock.now
        /// When it was last asked whether the subscriber may still see them.
        var letIn = ContinuousClock.now
    }

    private let feed: EventFeed
    private let kinds: Set<EventFeed.Kind>
    private let dags: Set<String>
    private let isLetIn: @Sendable () -> Bool
    private let state: Mutex<State>

    /// A proxy, or the client, closes what is silent for longer.
    private static let silence = Duration.seconds(15)
    private static let atOnce = 256
    /// Who was shut out hears nothing after so long.
    private static let trust = Duration.seconds(1)

    /// - Parameters:
    ///   - last: the event after which to go on; nil: only what is to come.
    ///   - dags: events about other DAGs are left out; empty: all.
    ///   - isLetIn: whether the subscriber may still see them; asked now and then.
    init(
        _ feed: EventFeed, after last: String?, kinds: Set<EventFeed.Kind>, dags: Set<String>,
        isLetIn: @escaping @Sendable () -> Bool
    ) {
        self.feed = feed
        self.kinds = kinds
        self.dags = dags
        self.isLetIn = isLetIn
        let end = feed.next
        if let last, let next = feed.number(after: last), feed.events(from: next, limit: 1) != nil {
            state = Mutex(State(next: next, greeting: Self.ready(feed, next)))
        } else {
            state = Mutex(
                State(next: end, greeting: last == nil ? Self.ready(feed, end) : Self.reset(feed, end)))
        }
    }

    private static func ready(_ feed: EventFeed, _ next: UInt64) -> String {
        "retry: 2000\nid: \(feed.id(before: next))\nevent: ready\ndata: {}\n\n"
    }

    private static func reset(_ feed: EventFeed, _ next: UInt64) -> String {
        "retry: 2000\nid: \(feed.id(before: next))\nevent: reset\ndata: {}\n\n"
    }

    func next() -> HTTPStream.Piece {
        state.withLock { state in
            var bytes = Array(state.greeting.utf8)
            state.greeting = ""
            while bytes.count < 32 << 10 {
                guard let events = feed.events(from: state.next, limit: Self.atOnce) else {
                    // It was too slow.
                    state.next = feed.next
                    bytes += Self.reset(feed, state.next).utf8
                    break
                }
                if events.isEmpty { break }
                for event in events where kinds.contains(event.kind) && isAbout(event) {
                    bytes += "id: \(feed.id(before: event.number + 1))\nevent: \(event.kind.rawValue)\ndata: ".utf8
                    bytes += event.data
                    bytes += [10, 10]
                }
                state.next += UInt64(events.count)
            }
            if bytes.isEmpty {
                guard ContinuousClock.now - state.spoken >= Self.silence else { return .wait(milliseconds: 15_000) }
                bytes = Array(": still here\n\n".utf8)
            }
            if ContinuousClock.now - state.letIn >= Self.trust {
                guard isLetIn() else { return .end }
                state.letIn = .now
            }
            state.spoken = .now
            return .bytes(bytes)
        }
    }

    private func isAbout(_ event: EventFeed.Event) -> Bool {
        dags.isEmpty || event.dag.map { dags.contains($0) } ?? false
    }
}
