import SchedulerCore
import Spawn
import Synchronization

/// Time zones from the system's tzdata, each file read once.
public enum SystemZones {
    private static let cache = Mutex<[String: Zone]>([:])

    /// The zone of this IANA name; nil when the system has none.
    public static func zone(_ name: String) -> Zone? {
        if let known = cache.withLock({ $0[name] }) { return known }
        guard let zone = Zone.system(name, read: { try? File.read($0, limit: 1 << 20) }) else { return nil }
        cache.withLock { $0[name] = zone }
        return zone
    }
}
