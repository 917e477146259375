import CPosix
import JSONText
import Spawn
import Synchronization

/// Answers that were given, up to so many bytes; those that were not asked for longest go first.
final class AnswerCache: Sendable {
    /// What an answer depends on: the question, and the content that it was asked of.
    struct Key: Sendable, Hashable {
        let question: QueryRunner.Question
        let form: QueryRunner.Form
        /// The table's columns, over all of its days.
        let schema: Int
        /// The partitions that are read.
        let holds: [Int]
    }

    private struct Kept: Sendable {
        let columns: [Column]
        let rows: [[JSONNode]]
        /// Of an answer that is a file.
        let content: [UInt8]?
        let count: Int
        let hasMore: Bool

        var bytes: Int {
            rows.reduce(content?.count ?? 0) { $0 + 48 + $1.reduce(0) { $0 + Self.bytes($1) } } + 1024
        }

        /// About what a value takes in memory.
        private static func bytes(_ node: JSONNode) -> Int {
            switch node.value {
            case .null, .bool, .integer: 64
            case .number(_, let text), .string(let text): 80 + text.utf8.count
            case .array(let nodes): nodes.reduce(96) { $0 + bytes($1) }
            case .object(let object):
                object.members.reduce(96) { $0 + 64 + $1.key.utf8.count + bytes($1.node) }
            }
        }
    }

    private struct State {
        var answers: [Key: (kept: Kept, bytes: Int, used: UInt64)] = [:]
        var bytes = 0
        var uses: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter bytes: about what all of them may take in memory; one may take a sixteenth.
    init(bytes: Int) { limit = bytes }

    var bytes: Int { state.withLock { $0.bytes } }

    func has(_ key: Key) -> Bool { state.withLock { $0.answers[key] != nil } }

    func answer(_ key: Key) throws -> QueryAnswer? {
        let kept = state.withLock { state -> Kept? in
            guard let place = state.answers.index(forKey: key) else { return nil }
            state.uses += 1
            state.answers.values[place].used = state.uses
            return state.answers.values[place].kept
        }
        guard let kept else { return nil }
        var answer = QueryAnswer(columns: kept.columns)
        answer.rows = kept.rows
        answer.count = kept.count
        answer.hasMore = kept.hasMore
        if let content = kept.content {
            let file = try FileDescriptor("memfd_create", weir_memory_file("weir-answer"))
            try file.writeAll(content)
            try file.rewind()
            answer.file = consume file
        }
        return answer
    }

    /// Keeps an answer, unless it is too large.
    func keep(_ answer: borrowing QueryAnswer, _ key: Key) {
        let most = limit / 16
        var content: [UInt8]?
        switch answer.file {
        case nil: break
        case .some(let file):
            // From its beginning, where the reader of the answer expects it again.
            guard let bytes = try? file.readAll(limit: most), (try? file.rewind()) != nil else {
                try? file.rewind()
                return
            }
            content = bytes
        }
        let kept = Kept(
            columns: answer.columns, rows: answer.rows, content: content, count: answer.count, hasMore: answer.hasMore)
        let bytes = kept.bytes
        guard bytes <= most else { return }
        state.withLock { state in
            state.uses += 1
            let former = state.answers.updateValue((kept, bytes, state.uses), forKey: key)
            state.bytes += bytes - (former?.bytes ?? 0)
            guard state.bytes > limit else { return }
            // A quarter at once, so that not each new answer has to look for the oldest.
            for (key, answer) in state.answers.sorted(by: { $0.value.used < $1.value.used }) {
                guard state.bytes > limit / 4 * 3 else { break }
                state.answers[key] = nil
                state.bytes -= answer.bytes
            }
        }
    }

    func clear() {
        state.withLock { state in
            state.answers = [:]
            state.bytes = 0
        }
    }
}
