import API
import Access
import Engine
import HTTPServer
import Lake
import Observability
import SQLiteStore
import SchedulerCore
import Web

/// What a daemon answers on: its control socket, and TCP where it is told to.
final class DaemonServers: Sendable {
    private let control: HTTPServer
    private let web: HTTPServer?
    private let query: QueryService

    /// Where it listens for TCP; nil: nowhere.
    var address: ListenAddress? { web?.address }

    init(_ engine: DaemonService, _ session: Session, _ feed: EventFeed) throws(HTTPError) {
        // As many may wait as the server lets in.
        query = QueryService(
            home: session.home.path, lake: session.lake(attempt: "api"),
            limits: QueryService.Limits(waiting: 512), duckdb: session.settings.duckdb)
        let data = APIService.Data(session, query, feed)
        feed.watch(data.lake, query)
        let service = APIService(engine: engine, data: data, gate: .owner)
        control = try HTTPServer(unixSocket: session.home.socket, router: service.router())
        do throws(HTTPError) {
            web = try session.settings.listen.map { address throws(HTTPError) in
                try Self.web(address, engine, data, session)
            }
        } catch {
            control.stop()
            throw error
        }
    }

    /// Requests of one client per second where other machines can ask.
    private static let usualLimit = 100
    private static let connectionsPerAddress: UInt32 = 256

    /// Users sign in as soon as there are any, and always where other machines can ask.
    private static func web(
        _ address: ListenAddress, _ engine: DaemonService, _ data: APIService.Data, _ session: Session
    ) throws(HTTPError) -> HTTPServer {
        do {
            let store = try AccessStore(path: session.home.accessDatabase)
            data.feed.watch(store)
            let proxies = session.settings.trustedProxies
            // A proxy on this machine brings in everybody.
            let isOpen = address.isLoopback && proxies.isEmpty
            guard try isOpen || store.hasUsers() else {
                let why =
                    proxies.isEmpty
                    ? "listen is \(address), which other machines can reach"
                    : "trusted_proxies lets others in through a proxy"
                let instead = proxies.isEmpty ? ", or listen on 127.0.0.1:\(address.port)" : ""
                throw HTTPError(
                    .failed,
                    "\(why), and there is no user who could sign in: `weir user add NAME --role admin` makes one"
                        + instead)
            }
            let signIn = SignIn(store) { Instant(microseconds: WallClock.now()) }
            let gate = try Gate.signIn(signIn, local: Caller(name: "local", role: .admin)) {
                try !isOpen || store.hasUsers()
            }
            var service = APIService(engine: engine, data: data, gate: gate, signIn: signIn)
            service.proxies = proxies
            let limit = session.settings.rateLimit ?? (isOpen ? 0 : usualLimit)
            service.rateLimit = limit > 0 ? RateLimit(perSecond: limit) : nil
            // All clients of a proxy have its address.
            let perAddress: UInt32 = address.isLoopback || !proxies.isEmpty ? 0 : connectionsPerAddress
            var router = service.router()
            WebPage.add(to: &router)
            return try HTTPServer(listen: address, connectionsPerAddress: perAddress, router: router)
        } catch let error as HTTPError {
            throw error
        } catch {
            throw HTTPError(.failed, "\(error)")
        }
    }

    func stop() {
        web?.stop()
        control.stop()
        query.stop()
    }
}

extension Gate {
    /// Whoever may open the control socket is the user that Weir runs as.
    static var owner: Gate { .open(to: Caller(name: Session.actor, role: .admin)) }
}

extension APIService.Data {
    fileprivate init(_ session: Session, _ query: QueryService, _ feed: EventFeed) {
        let home = session.home
        let lake = session.lake(attempt: "api")
        self.init(
            readers: SQLiteReaders(path: home.database), attemptFolder: { home.attempt($0) }, lake: lake,
            query: query, version: Program.version,
            details: DAGDetails { Session.parsed($0) }, feed: feed)
    }
}
