import JSONText

/// The type of a parameter's value, as JSON Schema names it.
public enum ValueType: String, Sendable, Hashable, CaseIterable {
    case string, integer, number, boolean, array, object
    /// A string that holds a length of time, such as `"90s"` or `"1h30m"`.
    case duration
    /// A string that is an http or https URL.
    case url
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
        case .url: "a URL such as \"https://example.org/hook\""
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
        case .url: node.string.map(Self.isURL) ?? false
        case .any: true
        }
    }

    /// A scheme, a host, and nothing that a URL cannot hold as it is (RFC 3986, 2).
    private static func isURL(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: { text.lowercased().hasPrefix($0) }),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"\"<>\\^`{|}".utf8.contains($0) })
        else { return false }
        return text.utf8.dropFirst(scheme.utf8.count).first.map { !"/?#:@".utf8.contains($0) } ?? false
    }
}

/// How often an attempt that may be repeated is, when nobody says it.
public struct Retries: Sendable, Hashable {
    public var count: Int
    public var delay: TimeAmount
    public var backoff: Double

    public init(count: Int, delay: TimeAmount, backoff: Double) {
        self.count = count
        self.delay = delay
        self.backoff = backoff
    }

    /// 1, 2, 4 and 8 minutes: a quarter of an hour in all.
    public static let ofNotifications = Retries(count: 4, delay: TimeAmount(seconds: 60), backoff: 2)
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
    /// It says something only beside one of these parameters; empty: always.
    public var goesWith: [String]
    /// What holds when the parameter is left out, as text; nil when that is no one value.
    public var defaultValue: String?
    /// One line for `weir kinds` and the documentation; ends with the default.
    public var help: String

    public init(
        _ name: String, _ type: ValueType, required: Bool = false, allowed: [String] = [], element: ValueType? = nil,
        with goesWith: [String] = [], default value: String? = nil, help: String
    ) {
        self.goesWith = goesWith
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
    /// For a task of the kind that does not say how often it is tried; nil: once.
    public var retries: Retries?

    public init(
        name: String, summary: String, launch: Launch = .builtin, parameters: [KindParameter],
        exactlyOneOf: [[String]] = [], retries: Retries? = nil
    ) {
        self.retries = retries
        self.name = name
        self.summary = summary
        self.launch = launch
        self.parameters = parameters
        self.exactlyOneOf = exactlyOneOf
    }
}
