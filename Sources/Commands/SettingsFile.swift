import JSONText
import SchedulerCore
import Spawn

/// A JSON file that a person wrote for the program; what is wrong with it is told as `file:line:column: message`.
struct SettingsFile {
    let path: String
    let document: JSONDocument

    var root: JSONNode { document.root }

    /// Reads a file of at most 1 MiB. A key that is given twice is an error.
    static func read(_ path: String) throws(CommandFailure) -> SettingsFile {
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: try File.read(path, limit: 1 << 20))
        } catch let error as JSONSyntaxError {
            throw CommandFailure(
                .invalid, "\(path):\(error.position.line):\(error.position.column): \(error.message)")
        } catch {
            throw CommandFailure(.invalid, "\(error)")
        }
        let file = SettingsFile(path: path, document: document)
        if let twice = document.duplicateKeys.first {
            throw file.failure(at: twice.offset, "'\(twice.key)' is given twice")
        }
        return file
    }

    func failure(at offset: Int, _ message: String) -> CommandFailure {
        let position = document.position(at: offset)
        return CommandFailure(.invalid, "\(path):\(position.line):\(position.column): \(message)")
    }

    func failure(_ node: JSONNode, _ message: String) -> CommandFailure { failure(at: node.offset, message) }
}
