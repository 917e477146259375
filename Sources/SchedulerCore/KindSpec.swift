/// The type of a parameter's value, as JSON Schema names it.
public enum ValueType: String, Sendable, Hashable, CaseIterable {
    case string, integer, number, boolean, array, object
    /// A string that holds a length of time, such as `"90s"` or `"1h30m"`.
    case duration
    /// Any JSON value.
    case any
}

/// One parameter that a task kind takes in `with`.
public struct KindParameter: Sendable {
    public var name: String
    public var type: ValueType
    public var required: Bool
    /// Words that a string parameter may be; empty for any.
    public var allowed: [String]
    /// The type of the elements when `type` is `.array`.
    public var element: ValueType?
    /// One line for `weir kinds` and the documentation.
    public var help: String

    public init(
        _ name: String, _ type: ValueType, required: Bool = false, allowed: [String] = [], element: ValueType? = nil,
        help: String
    ) {
        self.name = name
        self.type = type
        self.required = required
        self.allowed = allowed
        self.element = element
        self.help = help
    }
}

/// What the core knows of a task kind: enough to check a DAG file and to start an attempt.
public struct KindSpec: Sendable {
    /// How an attempt of the kind becomes a process.
    public enum Launch: Sendable, Hashable {
        /// `with.command` (an array of strings) or `with.shell` (a line for `sh -c`) is the process.
        case program
        /// `weir task` runs the kind's code in a process of its own.
        case builtin
    }

    public var name: String
    public var summary: String
    public var launch: Launch
    public var parameters: [KindParameter]
    /// Groups of parameter names of which exactly one must be given.
    public var exactlyOneOf: [[String]]

    public init(
        name: String, summary: String, launch: Launch = .builtin, parameters: [KindParameter],
        exactlyOneOf: [[String]] = []
    ) {
        self.name = name
        self.summary = summary
        self.launch = launch
        self.parameters = parameters
        self.exactlyOneOf = exactlyOneOf
    }
}
