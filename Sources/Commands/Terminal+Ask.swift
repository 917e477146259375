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

    /// A line of what was typed.
    private func answer(_ heard: Int) -> String? {
        if let given = cannedAnswer() { return given }
        var bytes: [UInt8] = []
        while Interrupts.count <= heard {
            var wait = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, Self.lookMilliseconds) > 0 else { continue }
            var byte: UInt8 = 0
            let count = read(0, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            if byte == UInt8(ascii: "\n") {
                return String(decoding: bytes, as: UTF8.self).trimmingSpaces
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
