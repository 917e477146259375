import Engine
import HTTPServer
import JSONText
import ObjectStore
import SchedulerCore

/// What is wrong with the value of a setting: where, and what it must be.
struct SettingProblem: Error {
    /// Of weir.json; nil: the value as a whole.
    var offset: Int?
    /// Follows the name of the setting: `must be a number`.
    var message: String
}

/// The type of a setting's value, and how it is read from JSON and from a text.
enum SettingType: Sendable {
    case integer(ClosedRange<Int>)
    case duration
    case bytes(ClosedRange<Int64>)
    case word([String])
    /// A relative one counts from WEIR_HOME.
    case path
    /// A path, or a place in S3.
    case place
    case program(orWord: String?)
    /// A TCP address with a port.
    case address
    /// Addresses and ranges of them; in a text with commas between them.
    case addresses
    /// Names of variables; in a text with commas between them.
    case names
    case secrets

    /// What stands for the value in a help text.
    var placeholder: String {
        switch self {
        case .integer: "N"
        case .duration: "TIME"
        case .bytes: "BYTES"
        case .word: "WORD"
        case .path: "DIR"
        case .place: "DIR|s3://BUCKET/PREFIX"
        case .program: "PROGRAM"
        case .address: "ADDRESS:PORT"
        case .addresses: "ADDRESSES"
        case .names: "NAMES"
        case .secrets: "JSON"
        }
    }

    /// What a shell can offer for it.
    var values: ValueKind {
        switch self {
        case .integer: .number
        case .word(let words): .words(words)
        case .path, .place: .directory
        case .program(let word): .file(orWords: word.map { [$0] } ?? [])
        case .duration, .bytes, .address, .addresses, .names, .secrets: .text
        }
    }

    /// What a value must be.
    var words: String {
        switch self {
        case .integer(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .duration: "a length of time such as \"90d\" or \"1h30m\""
        case .bytes(let range):
            "a number of bytes such as \"64MiB\", from \(SettingValue.bytes(range.lowerBound).text) to "
                + SettingValue.bytes(range.upperBound).text
        case .word(let words): "one of \(words.joined(separator: ", "))"
        case .path: "the path of a folder"
        case .place: "the path of a folder, or s3://BUCKET or s3://BUCKET/PREFIX"
        case .program(let word): "the path of a program" + (word.map { ", or \($0)" } ?? "")
        case .address: "an address with a port, such as 127.0.0.1:8080 or [::1]:8080"
        case .addresses: "a list of addresses or ranges of them, such as 127.0.0.1 or 10.0.0.0/8"
        case .names: "a list of names of variables"
        case .secrets: "an object such as {\"name\": {\"file\": \"secrets/name\"}, \"other\": {\"env\": \"VARIABLE\"}}"
        }
    }

    private var refusal: SettingProblem { SettingProblem(message: "must be \(words)") }

    func parse(_ text: String) throws(SettingProblem) -> SettingValue {
        switch self {
        case .integer:
            guard let number = Int64(text) else { throw refusal }
            return try parse(JSONNode(.integer(number)))
        case .names, .addresses:
            let names = text.split(separator: ",").map { JSONNode(.string(String($0.filter { $0 != " " }))) }
            return try parse(JSONNode(.array(names)))
        case .secrets:
            let node: JSONNode
            do throws(JSONSyntaxError) { node = try JSONDocument(parsing: text).root } catch { throw refusal }
            return try parse(node)
        default: return try parse(JSONNode(.string(text)))
        }
    }

    func parse(_ node: JSONNode) throws(SettingProblem) -> SettingValue {
        switch self {
        case .integer(let range):
            guard let number = node.integer, let count = Int(exactly: number), range.contains(count) else {
                throw refusal
            }
            return .integer(count)
        case .duration:
            guard let amount = node.string.flatMap({ TimeAmount(parsing: $0) }) else { throw refusal }
            return .duration(amount)
        case .bytes(let range):
            guard let count = node.string.flatMap({ ByteAmount.parse($0) }), range.contains(count) else {
                throw refusal
            }
            return .bytes(count)
        case .word(let words):
            guard let word = node.string, words.contains(word) else {
                let near = node.string.flatMap { nearestName(to: $0, among: words) }
                throw near.map { SettingProblem(message: "\(refusal.message); did you mean '\($0)'?") } ?? refusal
            }
            return .text(word)
        case .path, .place, .program:
            guard let path = node.string, !path.isEmpty, !path.utf8.contains(0) else { throw refusal }
            if case .place = self, path.hasPrefix(S3Location.scheme), S3Location(path) == nil { throw refusal }
            return .text(path)
        case .address:
            guard let text = node.string, let address = ListenAddress(text) else { throw refusal }
            return .text("\(address)")
        case .addresses:
            guard let nodes = node.array else { throw refusal }
            var addresses: [String] = []
            for node in nodes {
                guard let address = node.string, TrustedProxies.isRange(address) else {
                    throw SettingProblem(
                        offset: node.offset,
                        message: "must hold addresses or ranges of them; \(Self.shown(node)) is none")
                }
                if !addresses.contains(address) { addresses.append(address) }
            }
            return .names(addresses)
        case .names:
            guard let nodes = node.array else { throw refusal }
            var names: [String] = []
            for node in nodes {
                guard let name = node.string, Self.isVariable(name) else {
                    throw SettingProblem(
                        offset: node.offset, message: "must hold names of variables; \(Self.shown(node)) is none")
                }
                if !names.contains(name) { names.append(name) }
            }
            return .names(names)
        case .secrets: return .secrets(try Self.secrets(node, refusal))
        }
    }

    private static func secrets(
        _ node: JSONNode, _ refusal: SettingProblem
    ) throws(SettingProblem) -> [String: Secrets.Source] {
        guard let object = node.object else { throw refusal }
        var sources: [String: Secrets.Source] = [:]
        for member in object.members {
            func problem(_ offset: Int, _ message: String) -> SettingProblem {
                SettingProblem(offset: offset, message: message)
            }
            let isName = !member.key.isEmpty && member.key.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
            guard isName else {
                throw problem(
                    member.keyOffset, "cannot have the name '\(member.key)'; it is made of letters, digits, _ and -")
            }
            let example = "such as {\"file\": \"secrets/\(member.key)\"} or {\"env\": \"VARIABLE\"}"
            guard let place = member.node.object, place.members.count == 1 else {
                throw problem(member.node.offset, "must say of '\(member.key)' one place, \(example)")
            }
            let (key, value) = (place.members[0].key, place.members[0].node)
            guard ["file", "env"].contains(key) else {
                let near = nearestName(to: key, among: ["file", "env"]).map { "; did you mean '\($0)'?" }
                throw problem(
                    place.members[0].keyOffset,
                    "cannot take '\(member.key)' from '\(key)'" + (near ?? "; write it \(example)"))
            }
            guard let text = value.string, key == "file" ? !text.isEmpty && !text.utf8.contains(0) : isVariable(text)
            else {
                let what = key == "file" ? "the path of a file" : "the name of a variable"
                throw problem(value.offset, "must say of '\(member.key)' \(what), not \(shown(value))")
            }
            sources[member.key] = key == "file" ? .file(text) : .variable(text)
        }
        return sources
    }

    private static func shown(_ node: JSONNode) -> String { node.string.map { "'\($0)'" } ?? node.typeName }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy(isWord)
    }
}
