/// Objects under keys: bytes that are written whole, never changed in place and never seen in part.
///
/// All calls block. A call that fails for a reason that passes (the network, 429, 5xx) was tried again before.
public protocol ObjectStore: Sendable {
    /// Nil: there is no such object.
    func head(_ key: String) throws(ObjectStoreError) -> ObjectInfo?

    /// The bytes of an object, or of a part of it.
    ///
    /// - Parameter range: nil for all of it; what lies beyond its end is left out.
    /// - Throws: `.notFound`; `.isArchived` when it has to be restored first.
    func read(_ key: String, range: Range<Int64>?) throws(ObjectStoreError) -> [UInt8]

    /// A small object with its tag; nil: there is none.
    func contents(_ key: String) throws(ObjectStoreError) -> (bytes: [UInt8], tag: String)?

    /// Asks for the bytes of an object that is in an archive. It takes minutes to days until ``head(_:)`` says that they can be
    /// read; that they were asked for before is no error.
    ///
    /// - Parameters:
    ///   - days: so long they can be read then.
    ///   - tier: `Expedited`, `Standard` or `Bulk`, as the store calls its speeds.
    func requestRestore(_ key: String, days: Int, tier: String) throws(ObjectStoreError)

    /// Writes an object to a file, which it makes or replaces once all of it is there and its checksum holds.
    @discardableResult
    func download(_ key: String, to path: String) throws(ObjectStoreError) -> ObjectInfo

    /// - Returns: the object's tag.
    /// - Throws: `.preconditionFailed` when `options.condition` does not hold; nothing is written then.
    @discardableResult
    func write(_ key: String, _ bytes: [UInt8], _ options: WriteOptions) throws(ObjectStoreError) -> String

    /// The same with what a file holds, of any size.
    @discardableResult
    func upload(_ path: String, to key: String, _ options: WriteOptions) throws(ObjectStoreError) -> String

    /// Objects whose keys begin with `prefix`, in the order of their keys' bytes; at most a thousand.
    ///
    /// - Parameters:
    ///   - isFlat: false: what lies deeper, behind a `/` after the prefix, is told by its folder only.
    ///   - page: ``ObjectPage/next`` of the page before.
    func list(_ prefix: String, isFlat: Bool, page: String?) throws(ObjectStoreError) -> ObjectPage

    /// Removes objects. Those that are not there are no error.
    func remove(_ keys: [String]) throws(ObjectStoreError)
}

/// What is known of an object.
public struct ObjectInfo: Sendable, Hashable {
    public var key: String
    public var size: Int64
    /// Differs from content to content, with its quotes (RFC 9110, 8.8.3).
    public var tag: String
    /// `STANDARD`, `GLACIER` …
    public var storageClass: String
    /// Whether its bytes can be read now.
    public var readability: Readability
    /// Of its bytes, in lower-case hexadecimal, when the writer has told it.
    public var sha256: String?
    /// When it was written, by the store's clock, RFC 3339; lists tell it.
    public var modified: String?

    public enum Readability: Sendable, Hashable {
        case now, archived, beingRestored
    }
}

/// A part of a list.
public struct ObjectPage: Sendable {
    public var objects: [ObjectInfo] = []
    /// What lies deeper: prefixes that end with `/`.
    public var folders: [String] = []
    /// Nil: this was the last one.
    public var next: String?
}

/// How an object is written.
public struct WriteOptions: Sendable {
    public enum Condition: Sendable, Hashable {
        case none
        /// There is no such object yet.
        case absent
        /// The object has this tag.
        case tag(String)
    }

    public var condition = Condition.none
    /// As S3 calls it; nil for the bucket's usual one.
    public var storageClass: String?

    public init(_ condition: Condition = .none, storageClass: String? = nil) {
        self.condition = condition
        self.storageClass = storageClass
    }
}

extension ObjectStore {
    public func read(_ key: String) throws(ObjectStoreError) -> [UInt8] { try read(key, range: nil) }

    @discardableResult
    public func write(_ key: String, _ bytes: [UInt8]) throws(ObjectStoreError) -> String {
        try write(key, bytes, WriteOptions())
    }

    /// All pages of a list.
    public func all(_ prefix: String, isFlat: Bool = true) throws(ObjectStoreError) -> ObjectPage {
        var all = ObjectPage()
        repeat {
            let page = try list(prefix, isFlat: isFlat, page: all.next)
            all.objects += page.objects
            all.folders += page.folders
            all.next = page.next
        } while all.next != nil
        return all
    }
}

/// Why a store did not do what it was asked.
public struct ObjectStoreError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// There is no such object, or no such bucket.
        case notFound
        /// What was to be so is not so: somebody else has written.
        case preconditionFailed
        /// Its bytes are in an archive and have to be restored first.
        case isArchived
        /// The credentials are missing or do not suffice.
        case forbidden
        /// The store was not reached, or is too busy, after all tries.
        case unavailable
        /// What came is not what was written.
        case isDamaged
        /// A file here cannot be read or written.
        case localFile
        /// Anything else that the store refuses.
        case refused
    }

    public var code: Code
    /// Where, what and, where that is known, what instead. Never holds credentials.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
