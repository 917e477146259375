import ObjectStore
import Spawn
import Synchronization

/// A place in S3 whose objects are to be loaded.
public struct S3Landing: Sendable, Hashable {
    let location: S3Location

    /// Nil for what is not `s3://BUCKET/PREFIX`.
    public init?(_ text: String) {
        guard let location = S3Location(text) else { return nil }
        self.location = location
    }
}

/// Objects that wait in a bucket of S3: those below a prefix. They stay there; rules of the bucket may remove them.
struct LandingBucket: LandingPlace {
    private let location: S3Location
    private let store: any ObjectStore

    /// Requests at once: each waits most of its time.
    private static let readers = 16
    /// What is fetched before it is looked at.
    private static let most = (objects: 512, bytes: Int64(64 << 20))

    init(_ location: S3Location, store: any ObjectStore) {
        self.location = location
        self.store = store
    }

    /// In order of key.
    func files() throws -> [LandingFile] {
        let prefix = location.prefix.isEmpty ? "" : location.prefix + "/"
        var files: [LandingFile] = []
        for object in try store.all(prefix).objects {
            let name = String(object.key.dropFirst(prefix.count))
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            guard let last = parts.last, LandingFile.isWanted(last), parts.count <= Self.maximumDepth,
                !parts.contains(where: { $0.isEmpty || LandingFile.isUnfinished($0) })
            else { continue }
            let stamp = Self.stamp(object.size, object.tag)
            files.append(
                LandingFile(
                    name: name, path: "\(S3Location.scheme)\(location.bucket)/\(object.key)",
                    sourceID: parts.dropLast().joined(separator: "/"), stamp: stamp, version: stamp))
        }
        return files
    }

    func read(_ files: [LandingFile], _ body: (LandingFile, LandingContent) throws -> Void) throws {
        var rest = files[...]
        while !rest.isEmpty {
            var bytes: Int64 = 0
            let part = rest.prefix(Self.most.objects).prefix { file in
                defer { bytes += Self.size(file) }
                return bytes == 0 || bytes + Self.size(file) <= Self.most.bytes
            }
            rest = rest.dropFirst(part.count)
            for (file, fetched) in zip(part, try Fetch(Array(part), store, key).all()) {
                switch fetched {
                case .bytes(let bytes): try bytes.withUnsafeBufferPointer { try body(file, .bytes($0)) }
                case .unreadable(let why): try body(file, .unreadable(why))
                case .unsettled: try body(file, .unsettled)
                }
            }
        }
    }

    /// The bucket's own rules do that: between a last look and the removal of an object somebody could write it anew.
    func remove(_ file: LandingFile) {}

    private static func stamp(_ size: Int64, _ tag: String) -> String { "\(size),\(tag.filter { $0 != " " })" }
    private static func size(_ file: LandingFile) -> Int64 { Int64(file.stamp.prefix { $0 != "," }) ?? 0 }
    @Sendable private func key(_ file: LandingFile) -> String {
        String(file.path.dropFirst(S3Location.scheme.count + location.bucket.count + 1))
    }

    /// Reads objects, several at once.
    private final class Fetch: Sendable {
        enum Fetched: Sendable {
            case bytes([UInt8])
            case unreadable(String)
            case unsettled
        }

        private struct Progress {
            var next = 0
            var fetched: [Fetched]
            var failure: ObjectStoreError?
        }

        private let objects: [LandingFile]
        private let store: any ObjectStore
        private let key: @Sendable (LandingFile) -> String
        private let progress: Mutex<Progress>

        init(_ objects: [LandingFile], _ store: any ObjectStore, _ key: @escaping @Sendable (LandingFile) -> String) {
            self.objects = objects
            self.store = store
            self.key = key
            progress = Mutex(Progress(fetched: Array(repeating: .unsettled, count: objects.count)))
        }

        /// What is in each, in their order.
        func all() throws(ObjectStoreError) -> [Fetched] {
            let threads = (0..<min(LandingBucket.readers, objects.count)).map { _ in
                WorkerThread { [self] in work() }
            }
            for thread in threads { thread.join() }
            let (fetched, failure) = progress.withLock { ($0.fetched, $0.failure) }
            if let failure { throw failure }
            return fetched
        }

        private func work() {
            while let index = take() {
                do throws(ObjectStoreError) {
                    let found = try read(objects[index])
                    progress.withLock { $0.fetched[index] = found }
                } catch {
                    progress.withLock { $0.failure = $0.failure ?? error }
                }
            }
        }

        /// The next that nobody reads; nil: there are no more, or it is of no use.
        private func take() -> Int? {
            progress.withLock { progress in
                guard progress.failure == nil, progress.next < objects.count else { return nil }
                defer { progress.next += 1 }
                return progress.next
            }
        }

        private func read(_ file: LandingFile) throws(ObjectStoreError) -> Fetched {
            guard LandingBucket.size(file) <= LandingBucket.largestFile else {
                return .unreadable("\(file.path) has more than \(LandingBucket.largestFile) bytes")
            }
            do throws(ObjectStoreError) {
                guard let (bytes, tag) = try store.contents(key(file)) else { return .unsettled }
                // Somebody has written it anew since it was listed.
                return LandingBucket.stamp(Int64(bytes.count), tag) == file.stamp ? .bytes(bytes) : .unsettled
            } catch  where [.isArchived, .isDamaged].contains(error.code) {
                return .unreadable(error.message)
            }
        }
    }
}
