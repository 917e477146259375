import Glibc
import JSONText
import Spawn

/// What a task wrote to `WEIR_OUTPUT`: JSON lines `{"key": …, "value": …}`. The last value of a key counts.
enum TaskOutput {
    struct Problem: Error, Sendable {
        var message: String
        /// The machine lacks what reading takes at this moment: nothing is known of what the task wrote.
        var isShortage = false
    }

    /// The values as one JSON object; nil when there are none.
    static func read(_ directory: AttemptDirectory) -> Result<String?, Problem> {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(directory.output, limit: AttemptDirectory.outputLimit + 1)
        } catch {
            if error.code == ENOENT { return .success(nil) }
            return .failure(
                Problem(message: "WEIR_OUTPUT cannot be read: \(error.message)", isShortage: Shortage.isBehind(error)))
        }
        return read(bytes)
    }

    static func read(_ bytes: [UInt8]) -> Result<String?, Problem> {
        guard !bytes.isEmpty else { return .success(nil) }
        var keys: [String] = []
        var values: [String: JSONNode] = [:]
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where !line.isEmpty {
            guard let document = try? JSONDocument(parsing: Array(line)), let key = document.root["key"]?.string,
                let value = document.root["value"]
            else {
                return .failure(
                    Problem(message: "line \(index + 1) of WEIR_OUTPUT is not {\"key\": \"…\", \"value\": …}"))
            }
            if values.updateValue(value, forKey: key) == nil { keys.append(key) }
        }
        var writer = JSONWriter()
        writer.object { for key in keys { if let value = values[key] { $0.member(key, value) } } }
        return .success(writer.text)
    }
}

/// The last line of an attempt's log, which for most programs says why they failed.
enum LastWords {
    private static let longest = 300

    static func of(_ directory: AttemptDirectory) -> String? {
        guard let tail = try? AttemptLog.tail(directory.log, limit: 4096).bytes else { return nil }
        let lines = tail.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
        guard let last = lines.last(where: { $0.contains { $0 > 0x20 } }) else { return nil }
        let text = String(decoding: last, as: UTF8.self).unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        let line = String(String.UnicodeScalarView(text))
        return line.count > longest ? line.prefix(longest) + "…" : line
    }
}
