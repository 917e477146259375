import SchedulerCore
import Spawn
import Synchronization

/// Time zones from the system's tzdata, each file read once.
public enum SystemZones {
    private static let cache = Mutex<[String: Zone]>([:])

    /// The zone of this IANA name; nil when the system has none.
    public static func zone(_ name: String) -> Zone? {
        if name == "UTC" { return .utc }
        let isName = !name.isEmpty && !name.hasPrefix("/") && !name.split(separator: "/").contains("..")
        guard isName else { return nil }
        if let known = cache.withLock({ $0[name] }) { return known }
        guard let bytes = try? File.read("/usr/share/zoneinfo/" + name, limit: 1 << 20),
            let zone = Zone(name: name, tzif: bytes)
        else { return nil }
        cache.withLock { $0[name] = zone }
        return zone
    }
}
