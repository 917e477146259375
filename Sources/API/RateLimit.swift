import HTTPServer
import Synchronization

/// How many requests one client may send: a bucket of tokens for each address, which fills with time.
public final class RateLimit: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled: ContinuousClock.Instant
    }

    private let buckets = Mutex<[String: Bucket]>([:])
    private let perSecond: Double
    /// So many may come at once after a pause.
    private let most: Double
    private let clock: @Sendable () -> ContinuousClock.Instant

    /// A request that was refused for want of a right sign-in counts as so many: guessing is slow.
    static let refusalCost = 10.0
    private static let mostClients = 10_000

    /// - Parameters:
    ///   - perSecond: requests of one address, in the long run; five seconds' worth may come at once.
    ///   - clock: tests give their own.
    public init(perSecond: Int, clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.perSecond = Double(perSecond)
        most = max(Double(perSecond) * 5, Self.refusalCost)
        self.clock = clock
    }

    /// Counts a request.
    ///
    /// - Returns: the seconds after which the client may come again; nil when it may come now.
    func wait(_ client: String) -> Int? {
        change(client) { bucket in
            guard bucket.tokens < 1 else {
                bucket.tokens -= 1
                return nil
            }
            return Int(((1 - bucket.tokens) / perSecond).rounded(.up))
        }
    }

    /// The request that was just counted was refused.
    func refused(_ client: String) { change(client) { $0.tokens -= Self.refusalCost - 1 } }

    private func change<Value: Sendable>(_ client: String, _ body: (inout Bucket) -> Value) -> Value {
        let now = clock()
        return buckets.withLock { buckets in
            let key = Self.key(client)
            if buckets.count >= Self.mostClients, buckets[key] == nil {
                // A bucket that is full again says nothing. An attacker with more addresses than that finds all full.
                buckets = buckets.filter { filled($0.value, now).tokens < most }
                if buckets.count >= Self.mostClients { buckets = [:] }
            }
            var bucket = filled(buckets[key] ?? Bucket(tokens: most, filled: now), now)
            defer { buckets[key] = bucket }
            return body(&bucket)
        }
    }

    private func filled(_ bucket: Bucket, _ now: ContinuousClock.Instant) -> Bucket {
        let seconds = (now - bucket.filled) / Duration.seconds(1)
        return Bucket(tokens: min(most, bucket.tokens + max(0, seconds) * perSecond), filled: now)
    }

    /// A customer has a whole /64 of IPv6 (RFC 6177): it counts as one.
    private static func key(_ client: String) -> String { ListenAddress.network(client) }
}
