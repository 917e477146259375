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

/// How full a pool is.
public struct PoolUse: Sendable, Hashable {
    public var name: String
    /// 0 also where there is no pool of the name.
    public var slots: Int
    /// Slots of attempts that run; more than there are after the pool was made smaller.
    public var used: Int
    /// Tasks that wait for slots.
    public var waiting: Int
    /// Those of them that need more slots than there are at all.
    public var stuck: Int

    public init(name: String, slots: Int, used: Int, waiting: Int, stuck: Int = 0) {
        self.name = name
        self.slots = slots
        self.used = used
        self.waiting = waiting
        self.stuck = stuck
    }
}
