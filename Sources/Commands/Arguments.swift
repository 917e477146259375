import SchedulerCore

/// The words after a command's name, sorted out.
struct Arguments {
    let command: CommandSpec
    private(set) var positionals: [String] = []
    private var values: [String: [String]] = [:]
    private var flags: Set<String> = []

    init(_ words: [String], for command: CommandSpec) throws(CommandFailure) {
        self.command = command
        var rest = words[...]
        var onlyPositionals = false
        while let word = rest.popFirst() {
            if onlyPositionals || word == "-" || !word.hasPrefix("-") {
                positionals.append(word)
            } else if word == "--" {
                onlyPositionals = true
            } else {
                try take(word, &rest)
            }
        }
        if !has("--help") { try checkPositionals() }
    }

    private mutating func take(_ word: String, _ rest: inout ArraySlice<String>) throws(CommandFailure) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let options = command.allOptions
        guard let option = options.first(where: { $0.name == parts[0] || $0.short == parts[0] }) else {
            let near = nearestName(to: parts[0], among: options.map(\.name)).map { "; did you mean \($0)?" }
            throw usage("unknown option \(parts[0])" + (near ?? "; `weir \(command.name) --help` lists the options"))
        }
        guard let name = option.value else {
            if parts.count > 1 { throw usage("\(option.name) takes no value") }
            flags.insert(option.name)
            return
        }
        // The name of an option is no value: it was forgotten. `--from=--to` says so where it is meant.
        let isForgotten = parts.count == 1 && options.contains { $0.name == rest.first }
        guard !isForgotten, let value = parts.count > 1 ? parts[1] : rest.popFirst() else {
            throw usage("\(option.name) needs a value: \(option.name) \(name)")
        }
        if values[option.name] != nil, !option.repeats { throw usage("\(option.name) is given twice") }
        values[option.name, default: []].append(value)
    }

    private func checkPositionals() throws(CommandFailure) {
        let needed = command.positionals.count { $0.count == .one }
        if positionals.count < needed {
            let missing = command.positionals.filter { $0.count == .one }[positionals.count].name
            throw usage("\(missing) is missing: \(command.usage)")
        }
        let takesMany = command.positionals.contains { $0.count == .many }
        if !takesMany, positionals.count > command.positionals.count {
            throw usage("'\(positionals[command.positionals.count])' is too much: \(command.usage)")
        }
    }

    func usage(_ message: String) -> CommandFailure { CommandFailure(.usage, message) }

    func has(_ flag: String) -> Bool { flags.contains(flag) }
    func value(_ option: String) -> String? { values[option]?.last }
    func all(_ option: String) -> [String] { values[option] ?? [] }

    /// The positional at this place; nil when it was left out.
    subscript(index: Int) -> String? { positionals.indices.contains(index) ? positionals[index] : nil }

    /// A required positional, which the parser has checked to be there.
    func required(_ index: Int) -> String { self[index] ?? "" }

    func integer(_ option: String, in range: ClosedRange<Int>) throws(CommandFailure) -> Int? {
        guard let text = value(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw usage("\(option) is '\(text)'; it must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ option: String, _: Word.Type
    ) throws(CommandFailure) -> Word? where Word.RawValue == String {
        guard let text = value(option) else { return nil }
        guard let word = Word(rawValue: text) else {
            throw usage(
                "\(option) is '\(text)'; it must be one of " + Word.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return word
    }
}
