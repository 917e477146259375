import Spawn

/// A file that waits to be loaded.
struct LandingFile {
    /// Below the landing place.
    var name: String
    /// In full, as the ledger and messages name it.
    var path: String
    /// The folder below the landing place that it lies in; empty for none. For cameras: which one.
    var sourceID: String
    /// Differs when the file has become another. Without blanks.
    var stamp: String
    /// What a rejection of the file as a whole is known by.
    var version: String
    /// Of a file on this machine.
    var status: File.Status?

    var isLines: Bool { name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") }

    /// Whether a file of this name is loaded.
    static func isWanted(_ name: some StringProtocol) -> Bool {
        [".json", ".ndjson", ".jsonl"].contains { name.hasSuffix($0) }
    }

    /// Hidden and unfinished ones are left for later, and so is what lies in such a folder.
    static func isUnfinished(_ name: some StringProtocol) -> Bool {
        name.hasPrefix(".") || name.hasSuffix(".tmp") || name.hasSuffix(".part")
    }
}

/// What is in a file that waits.
enum LandingContent {
    /// Valid until the next file is read.
    case bytes(UnsafeBufferPointer<UInt8>)
    /// The file as a whole is set aside, for good.
    case refused(reason: String, detail: String)
    /// It may be readable some day: it is set aside, and looked at again by the next load.
    case unreadable(String)
    /// It has vanished, or somebody still writes to it: the next load looks at it.
    case unsettled
}

/// Where files wait to be loaded.
protocol LandingPlace {
    /// A larger file is set aside: no recognizer writes one, and it would fill the memory.
    static var largestFile: Int { get }

    /// Every file that is complete.
    func files() throws -> [LandingFile]

    /// Calls `body` with what is in each of the files, in their order.
    func read(_ files: [LandingFile], _ body: (LandingFile, LandingContent) throws -> Void) throws

    /// Removes a file that is still the one that was read.
    func remove(_ file: LandingFile)
}

extension LandingPlace {
    static var largestFile: Int { 1 << 30 }

    /// Deeper folders are passed over.
    static var maximumDepth: Int { 16 }
}
