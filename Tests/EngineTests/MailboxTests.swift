import Glibc
import Observability
import Spawn
import Testing

@testable import Engine

/// The queue into the loop's thread.
struct MailboxTests {
    @Test func itGivesTheOldestFirstAndAtMostTheLimit() throws {
        let mailbox = try Mailbox<Int>()
        for number in 1...5 { mailbox.put(number) }
        #expect(mailbox.take(limit: 2) == [1, 2])
        #expect(mailbox.take(limit: 2) == [3, 4])
        // What is left does not wait for another put.
        mailbox.wait(until: nil)
        #expect(mailbox.take(limit: .max) == [5])
        #expect(mailbox.take(limit: .max).isEmpty)
    }

    @Test func aPutEndsTheWait() throws {
        let mailbox = try Mailbox<Int>()
        let woken = Journal()
        let thread = WorkerThread {
            mailbox.wait(until: nil)
            woken.note("\(mailbox.take(limit: .max))")
        }
        mailbox.put(7)
        thread.join()
        #expect(woken.all == ["[7]"])
    }

    @Test func theClockEndsTheWait() throws {
        let mailbox = try Mailbox<Int>()
        let due = WallClock.now() + 20_000
        mailbox.wait(until: due)
        #expect(WallClock.now() >= due)
        // An instant that has passed, or that no clock reaches, is no trouble.
        mailbox.wait(until: due - 1_000_000)
        mailbox.wait(until: -5)
        mailbox.put(1)
        mailbox.wait(until: .max)
        #expect(mailbox.take(limit: 10) == [1])
    }

    @Test func nothingIsLostBetweenManyThreads() throws {
        let mailbox = try Mailbox<Int>()
        let threads = (0..<4).map { part in
            WorkerThread { for number in 0..<2000 { mailbox.put(part * 2000 + number) } }
        }
        var seen: [Int] = []
        while seen.count < 8000 {
            mailbox.wait(until: nil)
            seen += mailbox.take(limit: 100)
        }
        for thread in threads { thread.join() }
        #expect(Set(seen).count == 8000)
        for part in 0..<4 {
            let own = seen.filter { $0 / 2000 == part }
            #expect(own == own.sorted(), "one thread's items change their order")
        }
    }

    @Test func aClosedMailboxTakesNothingMore() throws {
        let mailbox = try Mailbox<Int>()
        #expect(mailbox.put(1))
        #expect(mailbox.close() == [1])
        #expect(!mailbox.put(2))
        #expect(mailbox.take(limit: 10).isEmpty)
    }
}
