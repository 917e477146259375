/// What a store tells those who opened it.
public struct StoreHooks: Sendable {
    /// Something that belongs into the log.
    public var note: @Sendable (String) -> Void
    /// A place, by its name, at which a test may kill the process.
    public var point: @Sendable (String) -> Void

    public init(
        note: @escaping @Sendable (String) -> Void = { _ in }, point: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.note = note
        self.point = point
    }
}
