import JSONText

/// The type of a parameter's value, as JSON Schema names it.
public enum ValueType: String, Sendable, Hashable, CaseIterable {
    case string, integer, number, boolean, array, object
    /// A string that holds a length of time, such as `"90s"` or `"1h30m"`.
    case duration
    /// Any JSON value.
    case any

    /// The type in messages: `must be …`.
    public var words: String {
        switch self {
        case .string: "a string"
        case .integer: "an integer"
        case .number: "a number"
        case .boolean: "true or false"
        case .array: "an array"
        case .object: "an object"
        case .duration: "a length of time such as \"90s\" or \"1h30m\""
        case .any: "any value"
        }
    }

    /// Whether a value is of the type. An integer is a number too; a number such as 3.0 is no integer.
    public func admits(_ node: JSONNode) -> Bool {
        switch self {
        case .string: node.string != nil
        case .integer: node.integer != nil
        case .number: node.double?.isFinite == true
        case .boolean: node.bool != nil
        case .array: node.array != nil
        case .object: node.object != nil
        case .duration: node.string.map { TimeAmount(parsing: $0) != nil } ?? false
        case .any: true
        }
    }
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
    /// What holds when the parameter is left out, as text; nil when that is no one value.
    public var defaultValue: String?
    /// One line for `weir kinds` and the documentation; ends with the default.
    public var help: String

    public init(
        _ name: String, _ type: ValueType, required: Bool = false, allowed: [String] = [], element: ValueType? = nil,
        default value: String? = nil, help: String
    ) {
        self.name = name
        self.type = type
        self.required = required
        self.allowed = allowed
        self.element = element
        defaultValue = value
        self.help = value.map { "\(help) (\($0))" } ?? help
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
