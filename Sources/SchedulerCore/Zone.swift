/// A time zone (placeholder until the TZif reader lands).
public struct Zone: Sendable {
    public var name: String
}
