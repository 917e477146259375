import Glibc
import JSONText
import Lake
import Spawn

/// Where the answer of a query goes: the terminal, or a file that is put in place whole.
struct QueryOutput {
    let terminal: Terminal
    /// Nil for the terminal.
    let file: String?

    func write(_ answer: borrowing QueryAnswer, _ format: QueryCommand.Format) throws {
        switch format {
        case .table: try put(Array(table(answer).utf8))
        case .json: try put(Array(json(answer).utf8))
        case .csv, .parquet: try copy(answer)
        }
    }

    private func put(_ bytes: [UInt8]) throws {
        guard let file else { return terminal.write(bytes) }
        try File.writeAtomically(file, bytes, mode: 0o644)
    }

    /// A header and a line for each row; NULL is an empty cell.
    private func table(_ answer: borrowing QueryAnswer) -> String {
        var table = Table()
        table.header = answer.columns.map(\.name)
        for row in answer.rows { table.rows.append(row.map { $0.string ?? "" }) }
        return table.text(file == nil ? terminal : Terminal(capturing: true))
    }

    /// A list of objects, one a line.
    private func json(_ answer: borrowing QueryAnswer) -> String {
        let columns = answer.columns
        let lines = answer.rows.map { row in
            var writer = JSONWriter()
            writer.object { writer in
                for (column, node) in zip(columns, row) { writer.member(column.name, node) }
            }
            return writer.text
        }
        return lines.isEmpty ? "[]\n" : "[\n" + lines.joined(separator: ",\n") + "\n]\n"
    }

    private func copy(_ answer: borrowing QueryAnswer) throws {
        switch answer.file {
        case nil: return
        case .some(let source):
            guard let file else { return try Self.pieces(source) { terminal.write($0) } }
            let temporary = "\(file).tmp-\(getpid())"
            do {
                let target = try FileDescriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
                try Self.pieces(source) { try target.writeAll($0, path: temporary) }
            } catch {
                unlink(temporary)
                throw error
            }
            guard rename(temporary, file) == 0 else {
                let failure = SystemError("rename", path: file)
                unlink(temporary)
                throw failure
            }
        }
    }

    private static func pieces(_ source: borrowing FileDescriptor, _ body: ([UInt8]) throws -> Void) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source.raw, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read") }
            guard count > 0 else { return }
            try body(Array(buffer[..<count]))
        }
    }
}
