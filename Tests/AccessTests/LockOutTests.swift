import SQLite
import SchedulerCore
import Testing

@testable import Access

/// Failures are noted without a hashing each, but where that matters.
@Suite struct LockOutTests {
    private func fail(_ world: AccessWorld, _ name: String, from address: String = "192.0.2.1") throws -> Int64? {
        try world.store.noteFailure(name, address, world.now).map { $0.microseconds / 1_000_000 }
    }

    private func wait(_ world: AccessWorld, _ name: String, from address: String = "192.0.2.1") -> Int64? {
        world.signIn(name, from: address).failure?.retryAfter.map { $0.microseconds / 1_000_000 }
    }

    @Test func theFifthFailureFromAnAddressLocksTheNameThere() throws {
        let world = try AccessWorld()
        try world.add("ada")
        for _ in 0..<4 { #expect(world.signIn("ada", "wrong password").failure?.retryAfter == nil) }
        let fifth = world.signIn("ada", "wrong password").failure
        #expect(fifth == .wrongCredentials(retryAfter: TimeAmount(seconds: 60)))
        world.pass(20)
        #expect(world.signIn("ada").failure == .wrongCredentials(retryAfter: TimeAmount(seconds: 40)), "the right one")
        #expect(world.signIn("ada", from: "192.0.2.2").success != nil, "from another address")
        world.pass(40)
        #expect(world.signIn("ada").success != nil)
    }

    @Test func aNameThatNobodyHasIsLockedAsOthersAre() throws {
        let world = try AccessWorld()
        try world.add("ada")
        for name in ["nobody", "no name at all"] {
            for count in 1...5 {
                #expect(try fail(world, name) == fail(world, "ada\(name.count)"), "failure \(count)")
            }
            #expect(wait(world, name) == 60)
        }
    }

    @Test func failuresCountForAQuarterOfAnHour() throws {
        let world = try AccessWorld()
        for _ in 0..<4 {
            #expect(try fail(world, "ada") == nil)
            world.pass(60)
        }
        world.pass(15 * 60 - 4 * 60)
        #expect(try fail(world, "ada") == nil, "the first no longer counts")
        #expect(try fail(world, "ada") == 60)
    }

    @Test func eachLockOutIsTwiceAsLongUpToAnHour() throws {
        let world = try AccessWorld()
        for _ in 0..<4 { #expect(try fail(world, "ada") == nil) }
        for minutes: Int64 in [1, 2, 4, 8, 16, 32, 60, 60] {
            var waits = try fail(world, "ada")
            // After long ones the failures before no longer count.
            while waits == nil { waits = try fail(world, "ada") }
            #expect(waits == minutes * 60)
            world.pass(minutes * 60)
        }
        world.pass(24 * 3600)
        for _ in 0..<4 { #expect(try fail(world, "ada") == nil) }
        #expect(try fail(world, "ada") == 60, "after a day it begins anew")
    }

    @Test func twentyFailuresFromAnywhereLockTheNameEverywhere() throws {
        let world = try AccessWorld()
        try world.add("ada")
        for number in 1...19 { #expect(try fail(world, "ada", from: "192.0.2.\(number)") == nil) }
        #expect(try fail(world, "ada", from: "192.0.2.20") == 60)
        #expect(wait(world, "ada", from: "198.51.100.7") == 60)
        #expect(try fail(world, "bob") == nil)
    }

    @Test func aSignInForgetsTheAddressesFailures() throws {
        let world = try AccessWorld()
        try world.add("ada")
        for _ in 0..<4 { #expect(try fail(world, "ada") == nil) }
        for number in 1...15 { #expect(try fail(world, "ada", from: "198.51.100.\(number)") == nil) }
        #expect(world.signIn("ada").success != nil)
        for _ in 0..<4 { #expect(try fail(world, "ada") == nil) }
        #expect(try fail(world, "ada", from: "198.51.100.99") == 60, "those from elsewhere still count")
    }

    @Test func anOperatorEndsALockOut() throws {
        let world = try AccessWorld()
        try world.add("ada")
        for end in [
            { try world.store.setPassword("ada", to: AccessWorld.password, by: "x", now: world.now) },
            { try world.store.setDisabled("ada", to: false, by: "x", now: world.now) },
        ] {
            for number in 1...20 { _ = try fail(world, "ada", from: "192.0.2.\(number % 4)") }
            #expect(wait(world, "ada") != nil && wait(world, "ada", from: "198.51.100.1") != nil)
            try end()
            #expect(world.signIn("ada").success != nil)
        }
        let locks = try world.store.audit(limit: 1000).filter { $0.action == "sign_in.locked" }
        #expect(locks.last?.details == "for 1m, from 192.0.2.1" && locks.last?.subject == "ada")
        #expect(locks.contains { $0.details == "for 1m, from anywhere" })
    }

    @Test func whateverIsTriedTheDatabaseStaysSmall() throws {
        var limits = LockOut.Limits()
        limits.failuresOfAddress = 1
        limits.mostFailures = 30
        limits.mostLocks = 20
        let world = try AccessWorld(limits: limits)
        // One that has earned more than a minute.
        #expect(try fail(world, "ada") == 60)
        #expect(try fail(world, "ada") == 120)
        for number in 0..<100 {
            _ = try fail(world, "name\(number)", from: String(repeating: "a", count: 10_000) + "\(number)")
        }
        let counts = try world.store.look { connection in
            try ["sign_in_failure", "lock_out"].map { try connection.integer("SELECT count(*) FROM \($0)") ?? 0 }
        }
        #expect(counts == [30, 20])
        let longest = try world.store.look { try $0.integer("SELECT max(length(address)) FROM sign_in_failure") }
        #expect(longest == 64)
        #expect(wait(world, "ada") == 120, "many short ones do not push out a long one")
        world.pass(15 * 60)
        _ = try fail(world, "last")
        #expect(try world.store.look { try $0.integer("SELECT count(*) FROM sign_in_failure") } == 1)
    }
}
