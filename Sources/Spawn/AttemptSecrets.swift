import CPosix
import Glibc
import JSONText

/// The values of an attempt's secrets, by name. They travel from process to process as JSON on standard input, in memory
/// that has no name, and never stand in a file: `spec.json` only refers to them.
public struct AttemptSecrets: Sendable {
    public var values: [String: String]

    /// Most bytes of them together, as JSON.
    static let limit = 16 << 20

    public init(_ values: [String: String]) { self.values = values }

    /// What stands on an open descriptor, up to its end.
    ///
    /// - Parameter descriptor: stays the caller's.
    public static func read(_ descriptor: Int32) throws(AttemptFileError) -> AttemptSecrets {
        let input = FileDescriptor(owning: descriptor)
        let bytes: Result<[UInt8], SystemError>
        do throws(SystemError) { bytes = .success(try input.readAll(limit: limit)) } catch { bytes = .failure(error) }
        _ = input.release()
        switch bytes {
        case .failure(let error):
            throw AttemptFileError(path: "the secrets on standard input", message: "cannot be read: \(error.message)")
        case .success(let bytes):
            guard let members = (try? JSONDocument(parsing: bytes))?.root.object?.members else {
                throw AttemptFileError(path: "the secrets on standard input", message: "are not a JSON object")
            }
            var values: [String: String] = [:]
            for member in members { values[member.key] = member.node.string }
            return AttemptSecrets(values)
        }
    }

    /// An open file without a name, in memory, to be the standard input of the process that needs them.
    func file() throws(SystemError) -> FileDescriptor {
        var writer = JSONWriter()
        writer.object { for (name, value) in values.sorted(by: { $0.key < $1.key }) { $0.member(name, value) } }
        let file = try FileDescriptor("memfd_create", weir_memory_file("weir-secrets"))
        try file.writeAll(writer.bytes)
        guard lseek(file.raw, 0, SEEK_SET) == 0 else { throw SystemError("lseek") }
        return file
    }

    /// A text with the values in the place of the references: `secret.NAME` between two NULs.
    ///
    /// - Returns: nil when a reference is none of these, or names what is not here.
    func resolve(_ text: String) -> String? {
        guard text.utf8.contains(0) else { return text }
        let pieces = text.utf8.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard pieces.count % 2 == 1 else { return nil }
        var whole = ""
        for (index, piece) in pieces.enumerated() {
            if index % 2 == 0 {
                whole += piece
            } else {
                guard piece.hasPrefix("secret."), let value = values[String(piece.dropFirst(7))] else { return nil }
                whole += value
            }
        }
        return whole
    }

    /// The same for every string of a value; a reference to what is not here stays.
    public func resolve(_ node: JSONNode) -> JSONNode {
        switch node.value {
        case .string(let text): return JSONNode(.string(resolve(text) ?? text), offset: node.offset)
        case .array(let nodes): return JSONNode(.array(nodes.map { resolve($0) }), offset: node.offset)
        case .object(var object):
            for index in object.members.indices { object.members[index].node = resolve(object.members[index].node) }
            return JSONNode(.object(object), offset: node.offset)
        default: return node
        }
    }
}

extension AttemptSpec {
    /// The spec with the values of its secrets: only to start the task with, never to be written.
    func resolved(_ secrets: AttemptSecrets) throws(StartError) -> AttemptSpec {
        if let missing = self.secrets.first(where: { secrets.values[$0] == nil }) {
            throw StartError(description: "the secret '\(missing)' was not handed to the supervisor")
        }
        var spec = self
        for (index, word) in argv.enumerated() {
            guard let word = secrets.resolve(word), !word.utf8.contains(0) else {
                throw StartError(description: "'argv' must be a list of strings without NUL")
            }
            spec.argv[index] = word
        }
        for (name, value) in env {
            guard let value = secrets.resolve(value), !value.utf8.contains(0) else {
                throw StartError(description: "'env' must be an object of strings without NUL; '\(name)' is not")
            }
            spec.env[name] = value
        }
        return spec
    }
}
