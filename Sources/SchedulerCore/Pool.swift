/// A named number of slots that attempts share.
public struct Pool: Sendable, Hashable {
    /// The pool of tasks that name none. It exists always.
    public static let defaultName = "default"
    public static let defaultSlots = 128

    public var name: String
    /// 0 holds back everything that would take a slot.
    public var slots: Int
    public var description: String

    public init(name: String, slots: Int, description: String = "") {
        self.name = name
        self.slots = slots
        self.description = description
    }
}
