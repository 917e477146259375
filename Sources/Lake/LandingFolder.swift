import Glibc
import Spawn

/// Files that wait in a folder.
struct LandingFolder: LandingPlace {
    let path: String

    /// In order of name.
    func files() throws -> [LandingFile] {
        guard let status = File.status(path), status.kind == .directory else {
            throw LakeError("\(path) is no folder; make it, or name the right one in 'from'")
        }
        var files: [LandingFile] = []
        try collect("", depth: 0, into: &files)
        return files
    }

    private func collect(_ folder: String, depth: Int, into files: inout [LandingFile]) throws {
        guard depth < Self.maximumDepth else { return }
        for name in try File.list(folder.isEmpty ? path : path + "/" + folder).sorted() {
            if LandingFile.isUnfinished(name) { continue }
            let below = folder.isEmpty ? name : folder + "/" + name
            let path = path + "/" + below
            // A link is not followed: whoever may write here could have any file copied that this process can read.
            guard let status = File.status(path, followLinks: false) else { continue }
            if LandingFile.isWanted(name) {
                files.append(
                    LandingFile(
                        name: below, path: path, sourceID: folder,
                        stamp: "\(status.size),\(status.modified),\(status.inode)",
                        version: "\(status.modified) \(status.size)", status: status))
            } else if status.kind == .directory {
                try collect(below, depth: depth + 1, into: &files)
            }
        }
    }

    func read(_ files: [LandingFile], _ body: (LandingFile, LandingContent) throws -> Void) throws {
        // The room of the last file is used again: the system would have to clear it for each.
        var bytes: [UInt8] = []
        for file in files {
            if let refusal = take(file, into: &bytes) {
                try body(file, refusal)
            } else {
                try bytes.withUnsafeBufferPointer { try body(file, .bytes($0)) }
            }
        }
    }

    /// - Returns: why there are no bytes.
    private func take(_ file: LandingFile, into bytes: inout [UInt8]) -> LandingContent? {
        guard file.status?.kind == .file else {
            let isFolder = file.status?.kind == .directory
            return .refused(
                reason: "not_a_file", detail: isFolder ? "a directory named like a log" : "a link, a pipe or a device")
        }
        do throws(SystemError) {
            let open = try FileDescriptor.open(file.path, O_RDONLY | O_NOFOLLOW)
            try open.readAll(into: &bytes, limit: Self.largestFile, path: file.path)
        } catch {
            // One that vanished was never seen; one that may not be read now may be readable later.
            return error.code == ENOENT ? .unsettled : .unreadable("\(error)")
        }
        return isSame(file) ? nil : .unsettled
    }

    private func isSame(_ file: LandingFile) -> Bool { File.status(file.path, followLinks: false) == file.status }

    /// One that was written anew since it was read is a new file.
    func remove(_ file: LandingFile) {
        if file.status?.kind == .file, isSame(file) { unlink(file.path) }
    }
}
