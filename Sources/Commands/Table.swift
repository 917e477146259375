/// Rows in columns that fit the screen: what is too wide is cut, in the column that is missed least.
struct Table {
    var header: [String]
    var rows: [[String]] = []
    /// The colour of a cell, by its text.
    var colour: (String) -> Terminal.Colour? = { _ in nil }

    private static let gap = 2
    private static let narrowest = 3
    /// The columns that are cut before others, in this order; and what tells rows apart, which is cut last.
    private static let cutFirst = ["REASON", "STARTED"]
    private static let cutLast = ["RUN"]

    init(_ header: String...) { self.header = header }

    init(_ header: [String]) { self.header = header }

    func text(_ terminal: Terminal) -> String {
        let rows = rows.map { $0.map(Self.oneLine) }
        var widths = header.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        if let screen = terminal.width {
            for columns in columnsToCut {
                while widths.reduce(0, +) + Self.gap * (widths.count - 1) > screen,
                    let widest = columns.max(by: { widths[$0] < widths[$1] }), widths[widest] > Self.narrowest
                {
                    widths[widest] -= 1
                }
            }
        }
        return ([header] + rows).map { line($0, widths, terminal) }.joined()
    }

    private var columnsToCut: [[Int]] {
        let first = Self.cutFirst.map { name in header.indices.filter { header[$0] == name } }
        let last = header.indices.filter { Self.cutLast.contains(header[$0]) }
        return first + [header.indices.filter { !first.joined().contains($0) && !last.contains($0) }, last]
    }

    private func line(_ cells: [String], _ widths: [Int], _ terminal: Terminal) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let shown = cell.count > widths[column] ? cell.prefix(widths[column] - 1) + "…" : cell
            line += colour(cell).map { terminal.coloured(shown, $0) } ?? shown
            if column < cells.count - 1 {
                line += String(repeating: " ", count: widths[column] - shown.count + Self.gap)
            }
        }
        return line + "\n"
    }

    /// A cell is one line; texts from files cannot move the cursor.
    static func oneLine(_ cell: String) -> String {
        guard cell.unicodeScalars.contains(where: isControl) else { return cell }
        var scalars = String.UnicodeScalarView()
        for scalar in cell.unicodeScalars { scalars.append(isControl(scalar) ? " " : scalar) }
        return String(scalars)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }

    /// The colour of a word that is a state.
    static func stateColour(_ word: String) -> Terminal.Colour? {
        switch word {
        case "success": .green
        case "failed", "upstream_failed": .red
        case "running", "queued": .blue
        case "up_for_retry", "cancelled": .yellow
        default: nil
        }
    }
}
