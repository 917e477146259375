import Spawn

/// The files that wait in a landing folder.
struct LandingFolder {
    struct Item {
        /// Below the landing folder.
        var name: String
        var path: String
        /// The folder below the landing folder that it lies in; empty for none. For cameras: which one.
        var sourceID: String
        var status: File.Status

        var isLines: Bool { name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") }
    }

    let path: String

    /// Deeper folders are passed over.
    private static let maximumDepth = 16

    /// Every file that is complete, in order of name: hidden and unfinished ones (`.tmp`, `.part`) are left for later.
    func items() throws -> [Item] {
        guard let status = File.status(path), status.kind == .directory else {
            throw LakeError("\(path) is no folder; make it, or name the right one in 'from'")
        }
        var items: [Item] = []
        try collect("", depth: 0, into: &items)
        return items
    }

    private func collect(_ folder: String, depth: Int, into items: inout [Item]) throws {
        guard depth < Self.maximumDepth else { return }
        for name in try File.list(folder.isEmpty ? path : path + "/" + folder).sorted() {
            if name.hasPrefix(".") || name.hasSuffix(".tmp") || name.hasSuffix(".part") { continue }
            let below = folder.isEmpty ? name : folder + "/" + name
            // A link is not followed: whoever may write here could have any file copied that this process can read.
            guard let status = File.status(path + "/" + below, followLinks: false) else { continue }
            if [".json", ".ndjson", ".jsonl"].contains(where: { name.hasSuffix($0) }) {
                items.append(Item(name: below, path: path + "/" + below, sourceID: folder, status: status))
            } else if status.kind == .directory {
                try collect(below, depth: depth + 1, into: &items)
            }
        }
    }
}
