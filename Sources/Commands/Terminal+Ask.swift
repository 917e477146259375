import Glibc

extension Terminal {
    /// How often a question looks whether Ctrl-C was pressed: the signal may have come to another thread.
    private static let lookMilliseconds: Int32 = 100

    /// Asks a question that is answered by yes or no; anything but `y` and `yes` is a no.
    ///
    /// - Parameter heard: how often Ctrl-C was pressed before the question; once more is an answer to it.
    /// - Returns: nil when it was answered by Ctrl-C, or by the end of the input.
    func ask(_ question: String, heard: Int = 0) -> Bool? {
        writeError(question + " [y/N] ")
        guard let line = answer(heard) else {
            writeError("\n")
            return nil
        }
        return ["y", "yes"].contains(line.lowercased())
    }

    private func answer(_ heard: Int) -> String? {
        (try? line(heard: heard))?.trimmingSpaces
    }

    /// A line of standard input, without its end. A test gives its own.
    ///
    /// - Parameters:
    ///   - heard: how often Ctrl-C was pressed before.
    ///   - limit: bytes; more in a line are refused.
    /// - Returns: nil after Ctrl-C, or at the end of the input when nothing stands before it.
    func line(heard: Int, limit: Int = 65_536) throws(CommandFailure) -> String? {
        if let given = cannedAnswer() { return given }
        var bytes: [UInt8] = []
        while Interrupts.count <= heard {
            var wait = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, Self.lookMilliseconds) > 0 else { continue }
            var byte: UInt8 = 0
            let count = read(0, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count > 0, byte != UInt8(ascii: "\n") else {
                return count > 0 || !bytes.isEmpty ? String(decoding: bytes, as: UTF8.self) : nil
            }
            guard bytes.count < limit else {
                throw CommandFailure(.usage, "the line on standard input is longer than \(limit) bytes")
            }
            bytes.append(byte)
        }
        return nil
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
