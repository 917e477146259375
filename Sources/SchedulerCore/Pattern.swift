/// A regular expression of a DAG file, as in JSON Schema: a part of the text may match.
///
/// Its own small matcher, because it is asked within the daemon's loop: it goes through all ways of matching at once
/// (Thompson's construction), so that the time grows with the text times the expression, whatever stands in either.
/// Lookaround, backreferences and word boundaries cannot be matched so, and are refused.
struct Pattern {
    /// What is wrong with an expression.
    struct Problem: Error, Sendable, Hashable { var message: String }

    fileprivate enum Step {
        case letter(Set)
        case begin, end
        /// Both ways are tried.
        case fork(Int, Int)
        case jump(Int)
        case match
    }

    /// Which letters fit.
    fileprivate struct Set {
        var ranges: [ClosedRange<UInt32>]
        var isNegated = false

        func contains(_ letter: UInt32) -> Bool { ranges.contains { $0.contains(letter) } != isNegated }
    }

    /// Longer texts, in bytes, are refused.
    static let longest = 10_000

    /// An expression that becomes longer than this is refused; repetitions are written out.
    private static let mostSteps = 1_000

    private let steps: [Step]

    init(_ text: String) throws(Problem) {
        var parser = PatternParser(text)
        let root = try parser.parse()
        var steps: [Step] = []
        try Self.compile(root, into: &steps)
        steps.append(.match)
        self.steps = steps
    }

    private static func compile(_ node: PatternParser.Node, into steps: inout [Step]) throws(Problem) {
        guard steps.count < mostSteps else {
            throw Problem(message: "it is too long once its repetitions are written out")
        }
        switch node {
        case .empty: break
        case .letter(let set): steps.append(.letter(set))
        case .begin: steps.append(.begin)
        case .end: steps.append(.end)
        case .sequence(let nodes): for node in nodes { try compile(node, into: &steps) }
        case .either(let nodes):
            var jumps: [Int] = []
            for (number, node) in nodes.enumerated() {
                let fork = steps.count
                let isLast = number == nodes.count - 1
                if !isLast { steps.append(.fork(fork + 1, 0)) }
                try compile(node, into: &steps)
                if isLast { break }
                jumps.append(steps.count)
                steps.append(.jump(0))
                steps[fork] = .fork(fork + 1, steps.count)
            }
            for jump in jumps { steps[jump] = .jump(steps.count) }
        case .repeated(let node, let least, let most):
            for _ in 0..<least { try compile(node, into: &steps) }
            guard let most else {
                let fork = steps.count
                steps.append(.fork(fork + 1, 0))
                try compile(node, into: &steps)
                steps.append(.jump(fork))
                steps[fork] = .fork(fork + 1, steps.count)
                return
            }
            var forks: [Int] = []
            for _ in least..<max(most, least) {
                forks.append(steps.count)
                steps.append(.fork(steps.count + 1, 0))
                try compile(node, into: &steps)
            }
            for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
        }
    }

    func matches(_ text: String) -> Bool {
        let letters = text.unicodeScalars.map(\.value)
        var current: [Int] = []
        // The position at which a step was added last, so that none is there twice.
        var seen = [Int](repeating: -1, count: steps.count)
        for position in 0...letters.count {
            add(0, to: &current, position, letters.count, &seen)
            var next: [Int] = []
            for step in current {
                switch steps[step] {
                case .match: return true
                case .letter(let set):
                    guard position < letters.count, set.contains(letters[position]) else { continue }
                    next.append(step + 1)
                default: break
                }
            }
            current = []
            for step in next { add(step, to: &current, position + 1, letters.count, &seen) }
        }
        return false
    }

    /// Adds a step and what can be reached from it without a letter.
    private func add(_ start: Int, to list: inout [Int], _ position: Int, _ length: Int, _ seen: inout [Int]) {
        var waiting = [start]
        while let step = waiting.popLast() {
            guard seen[step] != position else { continue }
            seen[step] = position
            switch steps[step] {
            case .jump(let target): waiting.append(target)
            case .fork(let a, let b): waiting += [b, a]
            case .begin: if position == 0 { waiting.append(step + 1) }
            case .end: if position == length { waiting.append(step + 1) }
            case .letter, .match: list.append(step)
            }
        }
    }
}

/// Reads a regular expression by descent.
private struct PatternParser {
    indirect enum Node {
        case empty
        case letter(Pattern.Set)
        case begin, end
        case sequence([Node])
        case either([Node])
        case repeated(Node, Int, Int?)
    }

    private let letters: [Unicode.Scalar]
    private var place = 0
    private var depth = 0

    private static let deepest = 100
    private static let most = 1_000
    private static let digit: [ClosedRange<UInt32>] = [0x30...0x39]
    private static let word: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
    private static let space: [ClosedRange<UInt32>] = [0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x2028...0x2029]

    init(_ text: String) { letters = Array(text.unicodeScalars) }

    private var current: Unicode.Scalar? { place < letters.count ? letters[place] : nil }

    private mutating func take(_ letter: Unicode.Scalar) -> Bool {
        guard current == letter else { return false }
        place += 1
        return true
    }

    mutating func parse() throws(Pattern.Problem) -> Node {
        let node = try either()
        if current != nil { throw Pattern.Problem(message: "a \")\" has no \"(\" before it") }
        return node
    }

    private mutating func either() throws(Pattern.Problem) -> Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw Pattern.Problem(message: "it is nested too deep") }
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        return choices.count == 1 ? choices[0] : .either(choices)
    }

    private mutating func sequence() throws(Pattern.Problem) -> Node {
        var nodes: [Node] = []
        while let letter = current, letter != "|", letter != ")" {
            let atom = try atom()
            nodes.append(try repetition(of: atom))
        }
        return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func repetition(of atom: Node) throws(Pattern.Problem) -> Node {
        var node = atom
        while let letter = current {
            let bounds: (Int, Int?)
            switch letter {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{":
                guard let found = try counts() else { return node }
                bounds = found
                place -= 1
            default: return node
            }
            place += 1
            // Whether it takes much or little first makes no difference to whether it matches.
            _ = take("?")
            node = .repeated(node, bounds.0, bounds.1)
        }
        return node
    }

    /// `{2}`, `{2,}`, `{2,5}`; nil and nothing taken when it is none of these: then the brace stands for itself.
    private mutating func counts() throws(Pattern.Problem) -> (Int, Int?)? {
        guard let close = letters[place...].firstIndex(of: "}") else { return nil }
        let inside = String(String.UnicodeScalarView(letters[(place + 1)..<close]))
        let parts = inside.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        guard let least = parts.first.flatMap({ Int($0) }), least >= 0 else { return nil }
        var most: Int? = least
        if parts.count == 2 {
            most = Int(parts[1])
            guard most != nil || parts[1].isEmpty else { return nil }
        }
        guard least <= Self.most, most ?? 0 <= Self.most, most ?? least >= least else {
            throw Pattern.Problem(message: "{\(inside)} is no repetition of at most \(Self.most)")
        }
        place = close + 1
        return (least, most)
    }

    private mutating func atom() throws(Pattern.Problem) -> Node {
        guard let letter = current else { return .empty }
        place += 1
        switch letter {
        case "^": return .begin
        case "$": return .end
        case ".": return .letter(.init(ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], isNegated: true))
        case "(":
            if take("?") {
                guard take(":") else {
                    throw Pattern.Problem(
                        message: "\"(?\" with anything but \":\" (lookaround, names, flags) is not supported")
                }
            }
            let node = try either()
            guard take(")") else { throw Pattern.Problem(message: "a \"(\" has no \")\" behind it") }
            return node
        case "[": return .letter(try set())
        case "\\": return .letter(try escape())
        case "*", "+", "?": throw Pattern.Problem(message: "\"\(letter)\" has nothing before it to repeat")
        default: return .letter(.init(ranges: [letter.value...letter.value]))
        }
    }

    /// What stands behind a backslash.
    private mutating func escape() throws(Pattern.Problem) -> Pattern.Set {
        guard let letter = current else { throw Pattern.Problem(message: "nothing stands behind the last \"\\\"") }
        place += 1
        switch letter {
        case "d": return .init(ranges: Self.digit)
        case "D": return .init(ranges: Self.digit, isNegated: true)
        case "w": return .init(ranges: Self.word)
        case "W": return .init(ranges: Self.word, isNegated: true)
        case "s": return .init(ranges: Self.space)
        case "S": return .init(ranges: Self.space, isNegated: true)
        case "t": return .init(ranges: [0x09...0x09])
        case "n": return .init(ranges: [0x0A...0x0A])
        case "r": return .init(ranges: [0x0D...0x0D])
        case "f": return .init(ranges: [0x0C...0x0C])
        case "v": return .init(ranges: [0x0B...0x0B])
        default:
            guard !letter.properties.isAlphabetic, !("0"..."9").contains(letter) else {
                throw Pattern.Problem(message: "\"\\\(letter)\" is not supported")
            }
            return .init(ranges: [letter.value...letter.value])
        }
    }

    private mutating func set() throws(Pattern.Problem) -> Pattern.Set {
        var result = Pattern.Set(ranges: [], isNegated: take("^"))
        while let letter = current, letter != "]" {
            let low = try member()
            guard low.count == 1, let first = low.first, first.lowerBound == first.upperBound, take("-") else {
                result.ranges += low
                continue
            }
            if current == "]" {
                result.ranges += [first, 0x2D...0x2D]
                continue
            }
            let high = try member()
            guard let last = high.first, high.count == 1, last.lowerBound >= first.lowerBound else {
                throw Pattern.Problem(message: "a range in \"[…]\" goes backwards, or ends with a class of letters")
            }
            result.ranges.append(first.lowerBound...last.upperBound)
        }
        guard take("]") else { throw Pattern.Problem(message: "a \"[\" has no \"]\" behind it") }
        return result
    }

    /// One letter, or a class of letters, within brackets.
    private mutating func member() throws(Pattern.Problem) -> [ClosedRange<UInt32>] {
        guard let letter = current else { throw Pattern.Problem(message: "a \"[\" has no \"]\" behind it") }
        place += 1
        guard letter == "\\" else { return [letter.value...letter.value] }
        let set = try escape()
        guard set.isNegated else { return set.ranges }
        var ranges: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in set.ranges {
            if range.lowerBound > next { ranges.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        return ranges + [next...0x10FFFF]
    }
}
