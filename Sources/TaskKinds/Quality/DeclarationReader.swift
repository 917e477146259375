import JSONText
import SchedulerCore
import Spawn

/// A JSON file of declarations: checks, or what a report shows.
struct DeclarationFile {
    let path: String
    let document: JSONDocument

    /// - Throws: what is wrong with the file, with its place.
    init(path: String) throws {
        self.path = path
        do {
            document = try JSONDocument(parsing: try File.read(path, limit: 1 << 20))
        } catch let error as JSONSyntaxError {
            throw TaskFailure(
                "\(path):\(error.position.line):\(error.position.column): \(error.message)", mayRetry: false)
        } catch {
            throw TaskFailure("\(error)", mayRetry: false)
        }
        if let twice = document.duplicateKeys.first {
            throw TaskFailure("\(place(twice.offset)): the key '\(twice.key)' stands twice", mayRetry: false)
        }
    }

    /// `file:line:column` of an offset.
    func place(_ offset: Int) -> String {
        let position = document.position(at: max(offset, 0))
        return "\(path):\(position.line):\(position.column)"
    }

    /// One failure for all that is wrong: the first problem, and how many more there are.
    static func failure(_ problems: [String]) -> TaskFailure {
        let more = problems.count > 1 ? "\n" + problems.dropFirst().joined(separator: "\n") : ""
        return TaskFailure((problems.first ?? "nothing is wrong") + more, mayRetry: false)
    }
}

/// Reads the keys of one object, each with its type. What nobody asked for is unknown, and an error.
final class DeclarationReader {
    let file: DeclarationFile
    let node: JSONNode
    private(set) var problems: [String] = []
    private var asked: [String] = []

    init(_ node: JSONNode, _ file: DeclarationFile) {
        self.node = node
        self.file = file
        if node.object == nil { problem("this must be an object, not \(node.typeName)") }
    }

    /// Notes what is wrong, at a value or at the object itself.
    func problem(_ message: String, at place: JSONNode? = nil) {
        problems.append("\(file.place((place ?? node).offset)): \(message)")
    }

    /// The value of a key, of whatever type.
    func any(_ key: String) -> JSONNode? {
        asked.append(key)
        return node[key]
    }

    private func value<Value>(_ key: String, _ words: String, _ convert: (JSONNode) -> Value?) -> Value? {
        guard let node = any(key) else { return nil }
        guard let value = convert(node) else {
            // It is a list, but not such a one.
            let other = node.array != nil && words.hasPrefix("a list") ? "" : ", not \(node.typeName)"
            problem("'\(key)' must be \(words)\(other)", at: node)
            return nil
        }
        return value
    }

    /// A text that is not empty.
    func text(_ key: String) -> String? {
        guard let text = value(key, "a text", \.string) else { return nil }
        if text.isEmpty { problem("'\(key)' is empty", at: node[key]) }
        return text.isEmpty ? nil : text
    }

    func number(_ key: String) -> Double? {
        value(key, "a number") { $0.double.flatMap { $0.isFinite ? $0 : nil } }
    }

    /// A whole number of a range.
    func integer(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let number = value(key, "a whole number", \.integer) else { return nil }
        guard range.contains(number) else {
            problem("'\(key)' must be from \(range.lowerBound) to \(range.upperBound)", at: node[key])
            return nil
        }
        return number
    }

    /// A list of texts that is not empty; nil when the key is not there.
    func texts(_ key: String) -> [String]? {
        value(key, "a list of one or more texts") { node in
            guard let list = node.array, !list.isEmpty else { return nil }
            let texts = list.compactMap(\.string)
            return texts.count == list.count ? texts : nil
        }
    }

    /// The elements of a list; none when the key is not there.
    func list(_ key: String) -> [JSONNode] { value(key, "a list", \.array) ?? [] }

    func duration(_ key: String) -> TimeAmount? {
        value(key, "a length of time such as \"18h\"") { $0.string.flatMap(TimeAmount.init(parsing:)) }
    }

    /// One of some words; the first of them when the key is not there.
    func word<Word: RawRepresentable & CaseIterable>(_ key: String, default word: Word) -> Word
    where Word.RawValue == String {
        guard let text = text(key) else { return word }
        if let found = Word(rawValue: text) { return found }
        let words = Word.allCases.map(\.rawValue)
        let near = nearestName(to: text, among: words).map { "; did you mean '\($0)'?" } ?? ""
        let all = words.count == 2 ? words.joined(separator: " or ") : "one of " + words.joined(separator: ", ")
        problem("'\(key)' must be \(all), not '\(text)'\(near)", at: node[key])
        return word
    }

    /// What is wrong within one of its values.
    func take(_ inner: [String]) { problems += inner }

    /// Complains about each key that nobody asked for.
    func finish() {
        for member in node.object?.members ?? [] where !asked.contains(member.key) {
            let near = nearestName(to: member.key, among: asked).map { "; did you mean '\($0)'?" }
            let all = "; there are " + asked.sorted().joined(separator: ", ")
            problems.append("\(file.place(member.keyOffset)): unknown key '\(member.key)'\(near ?? all)")
        }
    }
}
