import JSONText

/// Gathers what is wrong with one DAG file while it is read. Lives for one parse, on one thread.
final class DiagnosticCollector {
    private struct Finding {
        var offset: Int
        var path: String
        var code: DiagnosticCode
        var message: String
        var severity: Diagnostic.Severity
    }

    private let bytes: [UInt8]
    private var findings: [Finding] = []
    private(set) var hasErrors = false
    /// Names that may still be compared in search of a near one, so that a file of nothing but mistakes is read in
    /// linear time.
    private var comparisonsLeft = 200_000
    private lazy var lineStarts: [Int] = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }

    init(bytes: [UInt8]) { self.bytes = bytes }

    func error(_ code: DiagnosticCode, at offset: Int, _ path: String, _ message: String) {
        findings.append(Finding(offset: offset, path: path, code: code, message: message, severity: .error))
        hasErrors = true
    }

    func warning(_ code: DiagnosticCode, at offset: Int, _ path: String, _ message: String) {
        findings.append(Finding(offset: offset, path: path, code: code, message: message, severity: .warning))
    }

    /// `; did you mean "x"?`, or the fallback when nothing is near or too much was compared already.
    func suggestion(for name: String, among candidates: [String], otherwise: String = "") -> String {
        guard comparisonsLeft > 0 else { return otherwise }
        comparisonsLeft -= candidates.count
        return SchedulerCore.suggestion(for: name, among: candidates, otherwise: otherwise)
    }

    /// The line, from 1, of a byte offset.
    func line(at offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while low < high {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where a byte of a decoded string stands in the text, for a string whose opening quote is at `start`.
    func offset(inStringAt start: Int, decoded: Int) -> Int {
        var index = start + 1
        var count = 0
        while count < decoded, index + 1 < bytes.count {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                count += 1
                continue
            }
            guard bytes[index + 1] == UInt8(ascii: "u"), index + 6 <= bytes.count,
                let unit = UInt32(String(decoding: bytes[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16)
            else {
                index += 2
                count += 1
                continue
            }
            // A surrogate pair is two escapes and four bytes of UTF-8; each half counts two.
            count += unit < 0x80 ? 1 : unit < 0x800 || (0xD800..<0xE000).contains(unit) ? 2 : 3
            index += 6
        }
        return index
    }

    /// Everything found, in the order of the file, with lines and columns. One walk over the text serves all.
    func diagnostics() -> [Diagnostic] {
        let ordered = findings.enumerated().sorted {
            ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset)
        }
        var line = 1
        var column = 1
        var index = 0
        return ordered.map { _, finding in
            while index < min(finding.offset, bytes.count) {
                if bytes[index] == UInt8(ascii: "\n") {
                    line += 1
                    column = 1
                } else if bytes[index] & 0xC0 != 0x80 {
                    column += 1
                }
                index += 1
            }
            return Diagnostic(
                line: line, column: column, path: oneLine(finding.path), code: finding.code.rawValue,
                message: oneLine(finding.message), severity: finding.severity)
        }
    }
}
