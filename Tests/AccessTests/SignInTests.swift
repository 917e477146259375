import SQLite
import SchedulerCore
import Testing

@testable import Access

@Suite struct SignInTests {
    @Test func aSessionIsItsUsers() throws {
        let world = try AccessWorld()
        try world.add("ada", .operator)
        let session = try #require(world.signIn("ada").success)
        #expect(session.session.utf8.count == 64 && session.csrf.utf8.count == 64 && session.csrf != session.session)
        #expect(session.endsAt == world.now + TimeAmount(seconds: 7 * 86_400))
        #expect(world.ask(session.session).success == Principal(user: "ada", role: .operator, origin: .session))
        #expect(world.ask(session.session).success == session.principal)
        #expect(try world.store.users()[0].lastSignInAt == world.now)
    }

    @Test func eachSignInHasAnIDOfItsOwn() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let first = try #require(world.signIn("ada").success)
        let second = try #require(world.signIn("ada").success)
        #expect(first.session != second.session && first.csrf != second.csrf)
        // What a stranger has planted in the browser is never taken for a session.
        let planted = String(repeating: "a", count: 64)
        #expect(world.ask(planted).failure == .sessionEnded)
        _ = world.signIn("ada")
        #expect(world.ask(planted).failure == .sessionEnded)
        #expect(world.ask(first.session).success != nil && world.ask(second.session).success != nil)
    }

    @Test func theAnswerDoesNotTellWhatIsWrong() throws {
        let world = try AccessWorld()
        try world.add("ada")
        try world.add("gone")
        try world.add("root", .admin)
        try world.store.setDisabled("gone", to: true, by: "x", now: world.now)
        let expected = AccessRefusal(
            .wrongCredentials, "the name or the password is wrong, or the user is disabled", retryAfter: nil)
        #expect(world.signIn("ada", "wrong password").failure == expected)
        #expect(world.signIn("nobody").failure == expected)
        #expect(world.signIn("gone").failure == expected)
        #expect(world.signIn("' OR 1=1 --").failure == expected)
        #expect(world.signIn("").failure == expected)
        #expect(world.signIn("ada", "").failure == expected)
        #expect(world.signIn("ada", String(repeating: "x", count: 100_000)).failure == expected)
    }

    @Test func aSessionThatIsNotUsedEnds() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let session = try #require(world.signIn("ada").success).session
        for _ in 0..<3 {
            world.pass(12 * 3600 - 1)
            #expect(world.ask(session).success != nil)
        }
        world.pass(12 * 3600)
        #expect(world.ask(session).failure == .sessionEnded)
        #expect(world.ask(session).failure?.message == "the session has ended; sign in again")
    }

    @Test func aSessionEndsAfterAWeekWhateverIsDone() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let session = try #require(world.signIn("ada").success).session
        for _ in 0..<27 {
            world.pass(6 * 3600)
            #expect(world.ask(session).success != nil)
        }
        world.pass(6 * 3600 - 1)
        #expect(world.ask(session).success != nil)
        world.pass(1)
        #expect(world.ask(session).failure == .sessionEnded)
    }

    @Test func whatEndsSessions() throws {
        let world = try AccessWorld()
        let (store, now) = (world.store, world.now)
        try world.add("root", .admin)
        try world.add("ada")
        let other = try #require(world.signIn("root").success).session
        let endings: [(String, (String) throws -> Void)] = [
            ("sign-out", { try store.signOut(session: $0, now: now) }),
            ("password", { _ in try store.setPassword("ada", to: AccessWorld.password, by: "x", now: now) }),
            ("role", { _ in try store.setRole("ada", to: .operator, by: "x", now: now) }),
            (
                "disabling",
                { _ in
                    try store.setDisabled("ada", to: true, by: "x", now: now)
                    try store.setDisabled("ada", to: false, by: "x", now: now)
                }
            ),
            ("removal", { _ in try store.removeUser("ada", by: "x", now: now) }),
        ]
        for (name, end) in endings {
            let session = try #require(world.signIn("ada").success).session
            #expect(world.ask(session).success != nil)
            try end(session)
            #expect(world.ask(session).failure == .sessionEnded, "\(name)")
            #expect(world.ask(other).success != nil, "\(name) of another user")
        }
        try store.signOut(session: "nonsense", now: now)
    }

    @Test func aSignOutEndsNoOtherSession() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let first = try #require(world.signIn("ada").success).session
        let second = try #require(world.signIn("ada").success).session
        try world.store.signOut(session: first, now: world.now)
        #expect(world.ask(first).failure == .sessionEnded && world.ask(second).success != nil)
    }

    @Test func whatChangesSomethingNeedsTheSessionsOwnToken() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let session = try #require(world.signIn("ada").success)
        let other = try #require(world.signIn("ada").success)
        for method in ["GET", "HEAD", "OPTIONS"] { #expect(world.ask(session.session, method).success != nil) }
        for method in ["POST", "PUT", "PATCH", "DELETE", "get", "TRACE", ""] {
            #expect(world.ask(session.session, method).failure == .csrf, "\(method)")
            #expect(world.ask(session.session, csrf: "", method).failure == .csrf)
            #expect(world.ask(session.session, csrf: other.csrf, method).failure == .csrf)
            #expect(world.ask(session.session, csrf: session.session, method).failure == .csrf)
            #expect(world.ask(session.session, csrf: session.csrf, method).success != nil)
        }
        #expect(Authenticator.csrf(ofSession: session.session) == session.csrf)
        let planted = String(repeating: "a", count: 64)
        #expect(
            world.ask(planted, csrf: Authenticator.csrf(ofSession: planted), "POST").failure == .sessionEnded,
            "anybody can compute a pair")
    }

    @Test func aForgedRequestKeepsNoSessionAlive() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let session = try #require(world.signIn("ada").success).session
        world.pass(12 * 3600 - 1)
        #expect(world.ask(session, "POST").failure == .csrf)
        world.pass(1)
        #expect(world.ask(session).failure == .sessionEnded)
    }

    @Test func withoutAnything() throws {
        let world = try AccessWorld()
        #expect(world.ask(nil).failure?.message == "sign in, or send an API token")
        for text in ["", "x", String(repeating: "A", count: 64), String(repeating: "é", count: 32)] {
            #expect(world.ask(text).failure == .sessionEnded)
        }
    }

    @Test func aHashOfFormerLimitsIsRenewed() throws {
        let world = try AccessWorld()
        try world.add("ada")
        // argon2id with less memory, of the same password.
        let hash = "$argon2id$v=19$m=8192,t=1,p=1$2ZjZz8yVzdkkvcgVO2b3HA$MQT4MuILwpZpt8niuoLG/Eg3rvu12aH5Uptg4wvE2jQ"
        #expect(PasswordHasher.isOutdated(hash))
        try world.store.change { _ = try $0.execute("UPDATE user SET password = ?", .text(hash)) }
        #expect(world.signIn("ada", "wrong password").failure != nil)
        #expect(try world.store.look { try AccessStore.find("ada", $0)?.password } == hash)
        #expect(world.signIn("ada").success != nil)
        let renewed = try #require(try world.store.look { try AccessStore.find("ada", $0)?.password })
        #expect(renewed != hash && !PasswordHasher.isOutdated(renewed))
        #expect(world.signIn("ada").success != nil)
    }

    @Test func whoHasTooManySessionsLosesTheOldest() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let first = try #require(world.signIn("ada").success).session
        try world.store.change { connection in
            for number in 0..<(Sessions.mostOfUser - 1) {
                try connection.execute(
                    "INSERT INTO session SELECT ?, user, address, created_at + 1, last_used FROM session LIMIT 1",
                    .text(Secret.digest("\(number)")))
            }
        }
        #expect(world.ask(first).success != nil)
        world.pass(60)
        let last = try #require(world.signIn("ada").success).session
        #expect(world.ask(first).failure == .sessionEnded && world.ask(last).success != nil)
        world.pass(7 * 86_400)
        _ = world.signIn("ada")
        #expect(try world.store.look { try $0.integer("SELECT count(*) FROM session") } == 1, "what is over goes")
    }
}
