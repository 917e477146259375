import JSONText
import SchedulerCore
import Spawn
import Testing

@testable import TaskKinds

/// A web hook against a server that answers what the test says, by the real curl.
@Suite struct WebhookTests {
    private static let ok = "HTTP/1.1 204 No Content\r\n\r\n"

    private static func answer(_ status: String, _ headers: String = "", body: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\(headers)\r\n\(body)"
    }

    private func hook(
        _ peer: HTTPPeer, path: String = "/x", headers: [(String, String)] = [("Content-Type", "application/json")],
        body: String = "{}"
    ) -> Webhook {
        var hook = Webhook(url: peer.url + path, method: "POST", headers: headers, body: body)
        hook.timeout = TimeAmount(seconds: 20)
        return hook
    }

    private func failure(_ hook: Webhook) -> WebhookError? {
        do throws(WebhookError) {
            _ = try hook.send()
            return nil
        } catch { return error }
    }

    @Test func whatIsSentArrives() throws {
        let peer = try HTTPPeer([Self.ok])
        defer { peer.stop() }
        let body =
            "{\"a\": \"\\n \\\\ \\\"\", \"b\": \"ü🚗'$(id) `id` #\"}\r\n\t@/etc/passwd\n"
            + String(repeating: "x", count: 60_000)
        let sent = try hook(
            peer, path: "/p?q=[1]&r=%20",
            headers: [("X-Odd", "a \"b\" \\c; d=#e ü"), ("X-Empty", ""), ("Accept", "text/x")],
            body: body
        ).send()
        #expect(sent == 204)
        let request = try #require(peer.requests.first)
        #expect(request.hasPrefix("POST /p?q=[1]&r=%20 HTTP/1.1\r\n"))
        let head = request.split(separator: "\r\n\r\n", maxSplits: 1)[0]
        let isWhole = request.hasSuffix("\r\n\r\n" + body)
        #expect(isWhole)
        for line in ["X-Odd: a \"b\" \\c; d=#e ü", "X-Empty:", "Accept: text/x"] {
            #expect(head.split(separator: "\r\n").contains { $0 == line }, "\(line) in \(head)")
        }
        #expect(!head.contains("Expect"))
    }

    @Test func aBodyThatBeginsWithAnAtIsNoFile() throws {
        let peer = try HTTPPeer([Self.ok])
        defer { peer.stop() }
        _ = try hook(peer, body: "@/etc/hostname").send()
        #expect(peer.requests.first?.hasSuffix("\r\n\r\n@/etc/hostname") ?? false)
    }

    @Test(
        arguments: [
            ("200 OK", nil), ("201 Created", nil), ("408 Request Timeout", true), ("429 Too Many Requests", true),
            ("500 Oops", true), ("503 Later", true), ("400 Bad", false), ("401 No", false), ("404 Not Found", false),
            ("410 Gone", false),
        ] as [(String, Bool?)])
    func answers(status: String, isTemporary: Bool?) throws {
        let peer = try HTTPPeer([Self.answer(status, body: "no such\n hook\u{1B}[31m")])
        defer { peer.stop() }
        let error = failure(hook(peer, path: "/services/SECRET"))
        #expect(error?.isTemporary == isTemporary)
        guard let error else { return }
        #expect(error.description == "\(peer.url) answered HTTP \(status.prefix(3)): no such hook [31m")
        #expect(!error.description.contains("SECRET"), "what follows the host is often a secret")
    }

    @Test(
        arguments: [
            ("17", 17), ("0", nil), ("-5", nil), ("soon", nil), ("Fri, 31 Dec 9999 23:59:59 GMT", 1),
            ("Sun, 06 Nov 1994 08:49:37 GMT", nil),
        ] as [(String, Int?)])
    func howLongItAsksToBeLeftAlone(header: String, seconds: Int?) throws {
        let peer = try HTTPPeer([Self.answer("503 Later", "Retry-After: \(header)\r\n")])
        defer { peer.stop() }
        let asked = try #require(failure(hook(peer))).retryAfter
        #expect(seconds == 1 ? asked ?? 0 > 1 : asked == seconds)
    }

    @Test func dates() {
        let now: Int64 = 784_111_767 * 1_000_000
        #expect(HTTPDate.seconds(in: "Sun, 06 Nov 1994 08:49:37 GMT", now: now) == 10)
        for text in ["Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT", "", "a b c d e GMT"] {
            #expect(HTTPDate.seconds(in: text, now: now) == nil)
        }
    }

    @Test func noRedirectIsFollowed() throws {
        let other = try HTTPPeer([Self.ok])
        let peer = try HTTPPeer([Self.answer("302 Found", "Location: \(other.url)/\r\n")])
        defer {
            peer.stop()
            other.stop()
        }
        let error = try #require(failure(hook(peer)))
        #expect(!error.isTemporary && error.description.contains("HTTP 302; redirects are not followed"))
        #expect(other.requests == [])
    }

    @Test func whoDoesNotAnswerIsTriedAgain() throws {
        let peer = try HTTPPeer([nil, ""])
        #expect(failure(hook(peer))?.isTemporary == true)
        var slow = hook(peer)
        slow.timeout = TimeAmount(microseconds: 300_000)
        let error = try #require(failure(slow))
        #expect(error.isTemporary && error.description.contains("timed out"), "\(error)")
        peer.stop()
        let gone = try #require(failure(hook(peer)))
        #expect(gone.isTemporary && gone.description.hasPrefix(peer.url + ": curl: (7)"), "\(gone)")
    }

    @Test func noHeaderIsInjected() throws {
        let peer = try HTTPPeer([])
        defer { peer.stop() }
        for value in ["a\r\nX-Evil: 1", "a\nb", "a\u{0}b", "a\u{7F}"] {
            let error = try #require(failure(hook(peer, headers: [("X", value)])))
            #expect(error.description == "the value of header \"X\" has a line break or a control character")
            #expect(!error.isTemporary)
        }
        for name in ["", "a b", "a:b", "a\nb", "ü", "@/etc/passwd"] {
            #expect(failure(hook(peer, headers: [(name, "x")]))?.description.contains("is no name of") ?? false)
        }
    }

    @Test func whatCannotBeSent() throws {
        let peer = try HTTPPeer([])
        defer { peer.stop() }
        let large = try #require(failure(hook(peer, body: String(repeating: "\"", count: 70_000))))
        #expect(!large.isTemporary && large.description.contains("70000 bytes"))
        #expect(failure(hook(peer, body: "a\u{0}b"))?.isTemporary == false)
        var none = hook(peer)
        none.program = "/none/curl"
        #expect(failure(none)?.description.hasSuffix("web hooks need the program curl") ?? false)
    }
}
