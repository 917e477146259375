import CSodium
import Glibc
import Synchronization
import Testing

@testable import Access

@Suite struct PasswordHasherTests {
    init() { #expect(weir_sodium_start()) }

    @Test func aHashIsRightForItsPasswordAlone() throws {
        let hash = try PasswordHasher.hash("correct horse\0battery")
        #expect(hash.hasPrefix("$argon2id$v=19$m=65536,t=2,p=1$"))
        #expect(try PasswordHasher.hash("correct horse\0battery") != hash, "a salt of its own")
        #expect(PasswordHasher.isRight("correct horse\0battery", for: hash))
        #expect(!PasswordHasher.isRight("correct horse", for: hash))
        #expect(!PasswordHasher.isRight("correct horse\0batterz", for: hash))
        #expect(!PasswordHasher.isOutdated(hash))
    }

    @Test func whatIsTooLongIsNeverRight() throws {
        let longest = String(repeating: "x", count: PasswordRule.mostBytes)
        let hash = try PasswordHasher.hash(longest)
        #expect(PasswordHasher.isRight(longest, for: hash))
        #expect(!PasswordHasher.isRight(longest + "y", for: hash))
    }

    /// The limits are what it costs, so that a name that nobody has costs what a wrong password does.
    @Test func nobodyCostsWhatSomebodyDoes() throws {
        #expect(!PasswordHasher.isRight("nobody has this password", for: nil), "though it is the hash's password")
        #expect(PasswordHasher.isRight("nobody has this password", for: PasswordHasher.nobody), "it is really computed")
        let limits = { (hash: String) in hash.split(separator: "$").prefix(3).map(String.init) }
        #expect(limits(PasswordHasher.nobody) == limits(try PasswordHasher.hash("correct horse battery")))
    }

    @Test func twoAtOnceAndNotTooManyInLine() throws {
        let hasher = PasswordHasher()
        let sent = Atomic<Int>(0)
        let threads = PasswordHasher.atOnce + PasswordHasher.mayWait + 5
        let state = Shared(hasher: hasher, threads: threads)
        var ids: [pthread_t] = []
        for _ in 0..<threads {
            var id = pthread_t()
            let box = Unmanaged.passRetained(state).toOpaque()
            let code = pthread_create(
                &id, nil,
                { box in
                    guard let box else { return nil }
                    let state = Unmanaged<Shared>.fromOpaque(box).takeRetainedValue()
                    // Whoever is in waits until all others are in line or were sent away.
                    let isIn: Void? = state.hasher.inTurn {
                        while state.away.load(ordering: .acquiring) < 5 { sched_yield() }
                    }
                    if isIn == nil { state.away.add(1, ordering: .acquiringAndReleasing) }
                    return nil
                }, box)
            #expect(code == 0)
            ids.append(id)
        }
        for id in ids { pthread_join(id, nil) }
        sent.store(state.away.load(ordering: .acquiring), ordering: .releasing)
        #expect(sent.load(ordering: .acquiring) == 5)
        #expect(hasher.most == PasswordHasher.atOnce)
    }

    private final class Shared: Sendable {
        let hasher: PasswordHasher
        let away = Atomic<Int>(0)
        let threads: Int

        init(hasher: PasswordHasher, threads: Int) {
            self.hasher = hasher
            self.threads = threads
        }
    }
}
