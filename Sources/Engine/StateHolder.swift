import JSONText
import Spawn

/// Who wrote itself into a state lock. Whether it still lives is for `HeldProcess` to tell.
public struct StateHolder: Sendable, Hashable {
    public var identity: ProcessIdentity
    public var role: EngineRole

    public init(identity: ProcessIdentity, role: EngineRole) {
        self.identity = identity
        self.role = role
    }

    /// The holder that the lock of `home` names; nil when it names none: nobody holds it, the holder is just writing, or
    /// the text is another Weir's.
    public static func read(_ home: Home) -> StateHolder? {
        guard let bytes = try? File.read(home.lock, limit: 4096), let identity = ProcessIdentity(json: bytes),
            let role = (try? JSONDocument(parsing: bytes))?.root["role"]?.string.flatMap(EngineRole.init)
        else { return nil }
        return StateHolder(identity: identity, role: role)
    }

    /// What stands in the lock.
    var text: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("pid", identity.pid)
            $0.member("start_time", identity.startTime)
            $0.member("boot_id", identity.bootID)
            $0.member("role", role.rawValue)
        }
        return writer.bytes + [0x0A]
    }
}
