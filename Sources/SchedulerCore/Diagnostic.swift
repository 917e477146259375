/// One thing that is wrong with a DAG file, and where.
public struct Diagnostic: Error, Sendable, Hashable {
    public enum Severity: String, Sendable, Hashable {
        /// The file cannot be used.
        case error
        /// The file can be used; it probably does not mean what it says.
        case warning
    }

    /// Counted from 1.
    public var line: Int
    /// Counted from 1, in Unicode scalars.
    public var column: Int
    /// JSON path, such as `$.tasks[2].after[0]`.
    public var path: String
    /// A stable word for programs, such as `unknown_key`.
    public var code: String
    /// What is wrong and what instead, in one line.
    public var message: String
    public var severity: Severity

    public init(
        line: Int, column: Int, path: String, code: String, message: String, severity: Severity = .error
    ) {
        self.line = line
        self.column = column
        self.path = path
        self.code = code
        self.message = message
        self.severity = severity
    }
}

/// The codes of diagnostics. Programs rely on them: none is renamed.
public enum DiagnosticCode: String, Sendable, CaseIterable {
    case jsonSyntax = "json_syntax"
    case duplicateKey = "duplicate_key"
    case unknownKey = "unknown_key"
    case missingKey = "missing_key"
    case missingDefault = "missing_default"
    case wrongType = "wrong_type"
    case badValue = "bad_value"
    case outOfRange = "out_of_range"
    case badID = "bad_id"
    case badName = "bad_name"
    case badSchedule = "bad_schedule"
    case unknownZone = "unknown_zone"
    case badDate = "bad_date"
    case badDuration = "bad_duration"
    case startAfterEnd = "start_after_end"
    case noTasks = "no_tasks"
    case duplicateTask = "duplicate_task"
    case unknownTask = "unknown_task"
    case selfDependency = "self_dependency"
    case duplicateDependency = "duplicate_dependency"
    case cycle
    case badCondition = "bad_condition"
    /// `each` in a task that has no `for_each`.
    case notMapped = "not_mapped"
    /// A warning: the key does nothing here.
    case uselessKey = "useless_key"
    /// A warning: a cron expression whose two day fields are alternatives.
    case eitherDay = "either_day"
    /// A warning: a cron expression whose two day fields must both match, though one looks like `*/2`.
    case bothDays = "both_days"
    /// A warning: a cron expression that names a day which not every month has.
    case skippedMonths = "skipped_months"
    /// Warnings about bounds, when it is known what time it is.
    case futureStart = "future_start"
    case pastEnd = "past_end"
    /// A warning: `run_timeout` comes first.
    case lateDeadline = "late_deadline"
    /// A warning: `retry_delay` is longer.
    case shortMaxDelay = "short_max_delay"
    case unusedParam = "unused_param"
    /// A warning: a task that is skipped in every run.
    case neverRuns = "never_runs"
    case unknownKind = "unknown_kind"
    case exactlyOneOf = "exactly_one_of"
    case badTemplate = "bad_template"
    case unknownTemplateName = "unknown_template_name"
    case unknownParam = "unknown_param"
    case notUpstream = "not_upstream"
    /// A variable that the configuration does not allow.
    case unknownEnv = "unknown_env"
    case unknownSecret = "unknown_secret"
    /// A secret where its value would be seen or is not there yet.
    case misplacedSecret = "misplaced_secret"
    /// A warning: a secret in the arguments of a program, which every user of the machine can see.
    case visibleSecret = "visible_secret"
    /// A warning: there is no configuration to look up a variable or a secret in.
    case uncheckedName = "unchecked_name"
    /// Only when a template is rendered: the task before has not handed on what the template names.
    case unknownOutput = "unknown_output"
}

/// The path of a member: `$.params.day`, or `$.params["a day"]` for a key that is no plain word.
func jsonPath(_ parent: String, _ key: String) -> String {
    let isWord =
        !key.isEmpty
        && key.utf8.allSatisfy { isIDCharacter($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "-") }
    return isWord || key == "$schema" ? "\(parent).\(key)" : "\(parent)[\"\(key)\"]"
}

/// The characters of ids: `A-Z a-z 0-9 _ . -`.
func isIDCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
        true
    default: false
    }
}

/// A message as one line of at most 1000 characters, whatever names from outside it quotes: control characters become
/// escapes, so that nobody's terminal obeys them.
func oneLine(_ text: String) -> String {
    func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format: false
        default: true
        }
    }
    // Nearly every message is plain ASCII of moderate length.
    if text.utf8.count <= 1000, text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
    var line = ""
    var count = 0
    for scalar in text.unicodeScalars {
        count += 1
        if count > 1000 { return line + "…" }
        if isPlain(scalar) {
            line.unicodeScalars.append(scalar)
        } else {
            line += scalar == "\n" ? "\\n" : scalar == "\t" ? "\\t" : "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
    return line
}
