import SQLite
import SchedulerCore
import Testing

@testable import Access

@Suite struct TokenTests {
    @Test func aTokenIsItsUsers() throws {
        let world = try AccessWorld()
        try world.add("ada", .operator)
        let token = try world.token("ada")
        #expect(token.text.hasPrefix("weir_\(token.id)_") && token.text.utf8.count == 5 + 12 + 1 + 64)
        let principal = Principal(user: "ada", role: .operator, origin: .token(id: token.id))
        #expect(world.ask(token: token.text).success == principal)
        for header in ["bearer \(token.text)", "BEARER  \(token.text)"] {
            #expect(world.ask(nil, "POST", authorization: header).success == principal, "no CSRF token is needed")
        }
    }

    @Test func whatIsNoToken() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let session = try #require(world.signIn("ada").success).session
        let (id, text) = try world.token("ada")
        let other = try world.token("ada")
        let secret = String(text.split(separator: "_")[2])
        let last: Character = secret.last == "0" ? "1" : "0"
        let headers = [
            "", "Bearer", "Bearer ", text, "Basic \(text)", "Bearer \(text)x", "Bearer \(text) ", "Bearer \(text)_",
            "Bearer \(text.dropLast())", "Bearer \(text.dropLast())\(last)", "Bearer weir_\(other.id)_\(secret)",
            "Bearer weir_\(id)_", "Bearer weir__\(secret)", "Bearer \(text.uppercased())",
            "Bearer weir_\(id)_\(Secret.digest(secret))", "Bearer " + String(repeating: "x", count: 100_000),
            "Bearer weir_' OR 1=1_\(secret)",
        ]
        for header in headers {
            let refusal = world.ask(session, authorization: header).failure
            #expect(refusal == .invalidToken, "\(header), whatever the cookie is")
            #expect(refusal?.message == "the API token is unknown, revoked or expired")
        }
        #expect(world.ask(token: text).success != nil)
    }

    @Test func theRoleIsTheLesserOfTheTwo() throws {
        let world = try AccessWorld()
        try world.add("ada", .operator)
        try world.add("root", .admin)
        let low = try world.token("ada", role: .viewer)
        let same = try world.token("ada", role: .operator)
        let users = try world.token("ada")
        let roles = { [low, same, users].map { world.ask(token: $0.text).success?.role } }
        #expect(roles() == [.viewer, .operator, .operator])
        try world.store.setRole("ada", to: .viewer, by: "x", now: world.now)
        #expect(roles() == [.viewer, .viewer, .viewer])
        try world.store.setRole("ada", to: .admin, by: "x", now: world.now)
        #expect(roles() == [.viewer, .operator, .admin])
        let error = failure { () throws(AccessError) in
            try world.store.setRole("ada", to: .viewer, by: "x", now: world.now)
            return try world.store.createToken(
                user: "ada", name: "x", role: .operator, by: "x", now: world.now)
        }
        #expect(error?.message == "a token of 'ada' may be viewer at most, as its user is, and not operator")
    }

    @Test func aTokenOfSomeDAGs() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let token = try world.token("ada", dags: ["b", "a", "b"])
        #expect(world.ask(token: token.text).success?.dags == ["a", "b"])
        #expect(try world.store.tokens()[0].dags == ["a", "b"])
        for dags in [[], ["a b"]] {
            #expect(throws: AccessError.self) { try world.token("ada", dags: dags) }
        }
        #expect(try world.store.tokens().count == 1)
    }

    @Test func whatEndsTokens() throws {
        let world = try AccessWorld()
        let (store, now) = (world.store, world.now)
        try world.add("ada")
        let endings: [(String, (String) throws -> Void)] = [
            ("revoking", { try store.revokeToken($0, by: "x", now: now) }),
            ("disabling", { _ in try store.setDisabled("ada", to: true, by: "x", now: now) }),
            (
                "removal",
                { _ in
                    try store.setDisabled("ada", to: false, by: "x", now: now)
                    try store.removeUser("ada", by: "x", now: now)
                }
            ),
        ]
        for (name, end) in endings {
            let token = try world.token("ada")
            if name != "removal" { #expect(world.ask(token: token.text).success != nil) }
            try end(token.id)
            #expect(world.ask(token: token.text).failure == .invalidToken, "\(name)")
        }
        // A user of the same name is another one.
        try world.add("ada")
        #expect(try store.tokens() == [])
    }

    @Test func aTokenExpires() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let token = try world.token("ada", expires: 3600)
        world.pass(3599)
        #expect(world.ask(token: token.text).success != nil)
        world.pass(1)
        #expect(world.ask(token: token.text).failure == .invalidToken)
        #expect(try world.store.tokens()[0].isOver(at: world.now))
        #expect(throws: AccessError.self) { try world.token("ada", expires: 0) }
    }

    @Test func revokingIsForGoodAndKeepsTheFirstTime() throws {
        let world = try AccessWorld()
        try world.add("ada")
        try world.add("bob")
        let token = try world.token("ada")
        let first = world.now
        let error = failure { () throws(AccessError) in
            try world.store.revokeToken(token.id, of: "bob", by: "bob", now: first)
        }
        #expect(error == AccessError(.notFound, "no token '\(token.id)'; `weir token list` lists them"))
        #expect(world.ask(token: token.text).success != nil)
        try world.store.revokeToken(token.id, of: "ada", by: "ada", now: first)
        world.pass(60)
        try world.store.revokeToken(token.id, by: "x", now: world.now)
        #expect(try world.store.tokens(of: "ada").map(\.revokedAt) == [first])
        #expect(try world.store.tokens(of: "bob") == [])
        #expect(failure { () throws(AccessError) in try world.store.revokeToken("x", by: "x", now: first) } != nil)
    }

    @Test func aUseIsWrittenOnceAMinute() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let token = try world.token("ada")
        let session = try #require(world.signIn("ada").success).session
        let changes = { try world.store.look { try $0.integer("SELECT total_changes()") ?? 0 } }
        let before = try changes()
        let first = world.now
        for _ in 0..<50 {
            #expect(world.ask(token: token.text).success != nil)
            #expect(world.ask(session).success != nil)
        }
        #expect(try changes() == before + 1, "the token's first; the session's is its beginning")
        world.pass(59)
        _ = (world.ask(token: token.text), world.ask(session))
        #expect(try world.store.tokens()[0].lastUsedAt == first)
        world.pass(1)
        _ = (world.ask(token: token.text), world.ask(session))
        #expect(try world.store.tokens()[0].lastUsedAt == world.now)
        #expect(try world.store.tokens()[0].lastAddress == "192.0.2.1")
        #expect(try changes() == before + 3)
    }

    @Test func aTokenHasANameInOneLine() throws {
        let world = try AccessWorld()
        try world.add("ada")
        for name in ["", "a\nb", String(repeating: "x", count: 201)] {
            let error = failure { () throws(AccessError) in
                try world.store.createToken(user: "ada", name: name, by: "x", now: world.now)
            }
            #expect(error?.message == "a token needs a name of 1 to 200 characters in one line: what it is for")
        }
    }
}
