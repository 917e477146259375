/// Drawings of a report's page: SVG within the page, coloured by its style sheet.
enum ReportCharts {
    /// Bars below each other, each with its name and number.
    static func bars(_ values: [(label: String, value: Double)], title: String) -> String {
        let top = values.map { abs($0.value) }.max() ?? 0
        let (row, left, width) = (22, 150, 420)
        var parts = [open(width: width, height: max(values.count, 1) * row, title)]
        for (place, item) in values.enumerated() {
            let y = place * row
            let length = top > 0 ? Int((abs(item.value) / top * 200).rounded(.up)) : 0
            let label = shortened(item.label, 20)
            parts.append(
                "<g><title>\(Markup.escaped(item.label)): \(Figures.plain(item.value))</title>"
                    + "<text x=\"\(left - 8)\" y=\"\(y + 15)\" text-anchor=\"end\">\(Markup.escaped(label))</text>"
                    + "<rect class=\"bar\" x=\"\(left)\" y=\"\(y + 3)\" width=\"\(length)\" height=\"\(row - 6)\" rx=\"2\"/>"
                    + "<text class=\"number\" x=\"\(left + length + 6)\" y=\"\(y + 15)\">\(Figures.plain(item.value, digits: 2))</text></g>"
            )
        }
        return (parts + ["</svg>"]).joined(separator: "\n")
    }

    /// Columns side by side, with their names below.
    static func columns(_ values: [(label: String, value: Double)], title: String) -> String {
        let top = values.map { abs($0.value) }.max() ?? 0
        let (height, step) = (120, max(14, 420 / max(values.count, 1)))
        let width = max(420, step * values.count)
        // Names that would touch each other are left out; the title of each column has them all.
        let longest = values.map { min($0.label.count, 8) }.max() ?? 1
        let every = max(1, (longest * 8 + 10 + step - 1) / step)
        var parts = [open(width: width, height: height + 34, title)]
        for (place, item) in values.enumerated() {
            let size = top > 0 ? Int((abs(item.value) / top * Double(height)).rounded(.up)) : 0
            let x = place * step
            var group =
                "<g><title>\(Markup.escaped(item.label)): \(Figures.plain(item.value))</title>"
                + "<rect class=\"bar\" x=\"\(x + 2)\" y=\"\(14 + height - size)\" width=\"\(step - 4)\" height=\"\(size)\" rx=\"2\"/>"
            if place % every == 0 {
                let name = Markup.escaped(shortened(item.label, 8))
                group +=
                    "<text x=\"\(x + step / 2)\" y=\"\(height + 30)\" text-anchor=\"middle\">\(name)</text>"
            }
            parts.append(group + "</g>")
        }
        parts.append("<text class=\"number\" x=\"2\" y=\"10\">\(Figures.plain(top, digits: 2))</text>")
        return (parts + ["</svg>"]).joined(separator: "\n")
    }

    /// A small line of columns, one a day; a gap where there is no number.
    static func spark(_ values: [(label: String, value: Double?)]) -> String {
        let top = values.compactMap { $0.value.map(abs) }.max() ?? 0
        let columns = values.enumerated().map { place, item in
            guard let value = item.value else { return "" }
            let size = top > 0 ? max(1, Int((abs(value) / top * 18).rounded(.up))) : 1
            let kind = place == values.count - 1 ? "bar" : "bar past"
            return "<rect class=\"\(kind)\" x=\"\(place * 6)\" y=\"\(20 - size)\" width=\"5\" height=\"\(size)\">"
                + "<title>\(Markup.escaped(item.label)): \(Figures.plain(value))</title></rect>"
        }
        return open(width: max(1, values.count * 6), height: 20, "by day", isSmall: true) + columns.joined() + "</svg>"
    }

    /// A square a day, coloured by the state of a check.
    static func states(_ days: [(label: String, status: QualityReport.Status?)]) -> String {
        let squares = days.enumerated().map { place, day in
            let word = day.status?.rawValue ?? "not asked"
            return
                "<rect class=\"\(day.status?.rawValue ?? "none")\" x=\"\(place * 11)\" y=\"5\" width=\"10\" height=\"10\">"
                + "<title>\(Markup.escaped(day.label)): \(word)</title></rect>"
        }
        return open(width: max(1, days.count * 11), height: 20, "by day", isSmall: true) + squares.joined() + "</svg>"
    }

    private static func open(width: Int, height: Int, _ title: String, isSmall: Bool = false) -> String {
        let kind = isSmall ? " class=\"small\" width=\"\(width)\" height=\"\(height)\"" : ""
        return "<svg role=\"img\" viewBox=\"0 0 \(width) \(height)\"\(kind)><title>\(Markup.escaped(title))</title>"
    }

    private static func shortened(_ text: String, _ length: Int) -> String {
        text.count > length ? text.prefix(length - 1) + "…" : text
    }
}
