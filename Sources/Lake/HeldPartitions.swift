import Glibc
import Spawn
import Synchronization

/// Partitions that are held for many queries one after another: each by hard links to its files, manifest included, for as
/// long as it is the published one and somebody may ask for it. See ``PinnedFiles``, which holds them for one query.
final class HeldPartitions: Sendable {
    /// One partition as it was published at some time. Its files stay readable as long as somebody has this.
    final class Hold: Sendable {
        /// With the paths that its files are held under, which no other content ever has.
        let partition: TablePartition
        /// Tells it from every other hold of the same service.
        let number: Int
        /// Its manifest's. That file is held too, so that none that comes later can look the same.
        /// Nil in S3, whose objects need not be held: those of one generation are there until the one after the next.
        fileprivate let status: File.Status?
        fileprivate let folder: String?

        fileprivate init(_ partition: TablePartition, _ number: Int, _ status: File.Status?, _ folder: String?) {
            self.partition = partition
            self.number = number
            self.status = status
            self.folder = folder
        }

        deinit {
            guard let folder else { return }
            try? File.removeTree(folder)
            // The last one takes the folder of all with it; with others in it, it stays.
            rmdir(File.parent(of: folder))
        }

        /// Whether it is what a catalogue says.
        func holds(_ other: TablePartition) -> Bool {
            let (mine, others) = (partition.manifest, other.manifest)
            return partition.day == other.day && mine.generation == others.generation && mine.files == others.files
        }
    }

    /// Files cannot be held: the lake cannot be written to, or its files are somebody else's.
    struct Impossible: Error {}

    private struct State {
        /// By the path of the published partition.
        var holds: [String: Hold] = [:]
        var touched = ContinuousClock.now
    }

    /// Where everything lies that is held; nothing else does.
    let folder: String
    private let state = Mutex(State())
    /// The number of the last hold; locked while one is taken.
    private let taking = Mutex(0)

    private static let maximumTries = 100
    /// Who sweeps the staging area takes for left behind what nobody has touched for a day.
    private static let touchEach = Duration.seconds(3600)

    private let isRemote: Bool

    init(_ lake: LakeRoot) {
        isRemote = lake.remote != nil
        folder = lake.remote.map { "\($0.location)/" } ?? PinnedFiles.folder(in: lake)
    }

    deinit { clear() }

    /// The partitions as they are published now; those that are gone are left out.
    ///
    /// - Throws: ``Impossible``, or what is wrong with a manifest.
    func hold(_ wanted: [TablePartition]) throws -> [Hold] {
        if isRemote { return wanted.map(named) }
        let looks = wanted.map { ($0, Self.status($0.partition)) }
        let (found, isOld) = state.withLock { state in
            let isOld = ContinuousClock.now - state.touched > Self.touchEach
            if isOld { state.touched = .now }
            let found = looks.map { wanted, status in
                state.holds[wanted.partition.path].flatMap { $0.status == status ? $0 : nil }
            }
            return (found, isOld)
        }
        if isOld { utimensat(AT_FDCWD, folder, nil, 0) }
        var holds: [Hold] = []
        holds.reserveCapacity(wanted.count)
        for ((wanted, status), found) in zip(looks, found) {
            if let found {
                holds.append(found)
            } else if status != nil, let new = try take(wanted) {
                holds.append(new)
            }
        }
        return holds
    }

    private func named(_ wanted: TablePartition) -> Hold {
        taking.withLock { number in
            let path = wanted.partition.path
            if let found = state.withLock({ $0.holds[path] }), found.holds(wanted) { return found }
            number += 1
            let hold = Hold(wanted, number, nil, nil)
            state.withLock { $0.holds[path] = hold }
            return hold
        }
    }

    /// Lets go of what is not published any more, so that its space is free.
    func drop() {
        guard !isRemote else { return }
        let holds = state.withLock { $0.holds }
        let former = holds.filter { path, hold in
            Self.status(path) != hold.status
        }
        state.withLock { state in
            for (path, hold) in former where state.holds[path] === hold { state.holds[path] = nil }
        }
    }

    /// Lets go of everything.
    func clear() {
        let holds = state.withLock { state in
            defer { state.holds = [:] }
            return state.holds
        }
        // Outside the lock, since files are removed with them. What a query still has goes with it.
        withExtendedLifetime(holds) {}
    }

    private static func status(_ partition: Partition) -> File.Status? { status(partition.path) }

    private static func status(_ path: String) -> File.Status? { File.status(path + "/" + Partition.manifestName) }

    private func take(_ wanted: TablePartition) throws -> Hold? {
        // One at a time, so that all who ask at once get the same.
        try taking.withLock { number in
            if let status = Self.status(wanted.partition),
                let found = state.withLock({ $0.holds[wanted.partition.path] }), found.status == status
            {
                return found
            }
            number += 1
            let place = "\(folder)/\(PinnedFiles.numbered)\(number)"
            do {
                if let hold = try take(wanted, number, place) {
                    state.withLock { $0.holds[wanted.partition.path] = hold }
                    return hold
                }
                try? File.removeTree(place)
                return nil
            } catch {
                try? File.removeTree(place)
                throw error
            }
        }
    }

    private func take(_ wanted: TablePartition, _ number: Int, _ place: String) throws -> Hold? {
        let held = Partition(path: place + "/" + wanted.partition.name, name: wanted.partition.name)
        for _ in 1...Self.maximumTries {
            guard let before = Self.status(wanted.partition) else { return nil }
            do {
                try File.removeTree(place)
                try File.makeDirectory(held.path, recursive: true)
            } catch { throw Impossible() }
            guard try Self.link(Partition.manifestName, wanted.partition, held), Self.status(held) == before else {
                continue
            }
            let manifest = try Manifest(reading: held.path + "/" + Partition.manifestName)
            guard try manifest.files.allSatisfy({ try Self.link($0.name, wanted.partition, held) }) else { continue }
            // The same manifest before and after, so all is of one publish.
            guard Self.status(wanted.partition) == before else { continue }
            return Hold(TablePartition(day: wanted.day, partition: held, manifest: manifest), number, before, place)
        }
        throw LakeError("\(wanted.partition.name) is replaced again and again; ask later")
    }

    /// False when the file is not there any more.
    private static func link(_ name: String, _ from: Partition, _ to: Partition) throws -> Bool {
        if Glibc.link(from.path + "/" + name, to.path + "/" + name) == 0 { return true }
        if errno == ENOENT { return false }
        throw Impossible()
    }
}
