import Access
import JSONText
import Lake

/// What changes beside the engine.
extension EventFeed {
    /// What is published to the lake, by whomever: an event for each table that has changed.
    public func watch(_ lake: LakeRoot, _ query: QueryService) {
        add(
            Outside(.lake) {
                guard lake.isThere else { return [:] }
                let tables = try query.catalogue().tables
                return Dictionary(tables.map { ($0.name, [Int64($0.version)]) }, uniquingKeysWith: { $1 })
            } write: {
                $1.member("table", $0)
            })
    }

    /// Users, tokens and sign-ins. The event says that, and nothing else: what has changed is for admins.
    public func watch(_ store: AccessStore) {
        add(
            Outside(.access) {
                ["": try store.mark()]
            } write: { _, _ in
            })
    }
}
