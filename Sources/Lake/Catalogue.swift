import SchedulerCore
import Spawn

/// The tables of a lake, read from its manifests, which are the truth. Reading never waits for a publisher: a partition
/// that is replaced meanwhile is seen as it was or as it is.
public struct Catalogue: Sendable {
    public let lake: LakeRoot
    /// By bucket, then by name.
    public let tables: [LakeTable]

    /// Reads every manifest of a lake. What has no manifest, such as `quarantine`, is no table.
    public init(_ lake: LakeRoot) throws {
        var reader = CatalogueReader(lake)
        self = try reader.catalogue()
    }

    init(_ lake: LakeRoot, _ tables: [LakeTable]) {
        self.lake = lake
        self.tables = tables
    }

    /// The same catalogue with tables of which more is known.
    func replacing(_ change: (LakeTable) throws -> LakeTable) rethrows -> Catalogue {
        Catalogue(lake, try tables.map(change))
    }

    /// The table that a person means: `lakestorage/plate`, or `plate` where no other bucket has one of that name.
    public func table(_ name: String) throws(CatalogueProblem) -> LakeTable {
        if let table = tables.first(where: { $0.name == name }) { return table }
        let named = tables.filter { $0.shortName == name }
        if named.count == 1 { return named[0] }
        if named.count > 1 {
            throw CatalogueProblem(
                .ambiguous, "'\(name)' could be \(named.map(\.name).joined(separator: " or ")); say which")
        }
        let near = nearestName(to: name, among: tables.map(\.shortName) + tables.map(\.name))
        throw CatalogueProblem(
            .noSuchTable,
            "no table '\(name)' in \(lake.place)"
                + (near.map { "; did you mean '\($0)'?" } ?? "; `weir lake tables` lists them"))
    }
}

/// Why a question about the lake has no answer: what is wrong with the question itself.
public struct CatalogueProblem: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        case noSuchTable, noSuchColumn, noSuchDay
        /// A name that fits more than one table.
        case ambiguous
        /// A value, a condition or a number that cannot be meant.
        case badValue
    }

    public var code: Code
    /// One line: what, and what instead.
    public var description: String

    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension Partition {
    /// Its manifest; nil when it was never published, or removed while it was read.
    func publishedManifest() throws -> Manifest? {
        do { return try manifest() } catch {
            if remote == nil, !File.exists(path + "/" + Self.manifestName) { return nil }
            throw error
        }
    }
}
