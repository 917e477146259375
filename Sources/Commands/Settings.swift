import Engine
import HTTPServer
import JSONText
import Lake
import ObjectStore
import Observability
import SchedulerCore
import Spawn

/// The settings as they hold, each with where it comes from: a flag, a variable, weir.json, or nowhere.
struct Settings {
    enum Source: Hashable {
        case usual
        /// Of weir.json.
        case line(Int)
        case variable(String)
        case flag(String)
        case currentDirectory

        var text: String {
            switch self {
            case .usual: "default"
            case .line(let line): "weir.json:\(line)"
            case .variable(let name): name
            case .flag(let name): name
            case .currentDirectory: "current directory"
            }
        }
    }

    /// In the order of `Setting.all`; nil: the setting has no value.
    private(set) var values: [(value: SettingValue?, source: Source)]
    /// Whether there is something in which `env` and `secrets` stand, or would.
    private let knowsNames: Bool
    private let home: Home

    init(defaultsOf home: Home) {
        self.home = home
        values = Setting.all.map { ($0.usual, .usual) }
        knowsNames = false
    }

    /// - Parameter arguments: of a command that has some of the settings among its options.
    init(_ home: Home, _ environment: (String) -> String?, _ arguments: Arguments? = nil) throws(CommandFailure) {
        let hasFile = File.exists(home.settings)
        let known = ["env", "secrets"].contains { name in
            Setting.all.contains { $0.name == name && environment($0.variable) != nil }
        }
        self.home = home
        values = Setting.all.map { ($0.usual, .usual) }
        knowsNames = hasFile || known
        if hasFile { try read(try SettingsFile.read(home.settings)) }
        for (index, setting) in Setting.all.enumerated() {
            do throws(SettingProblem) {
                guard let text = environment(setting.variable) else { continue }
                values[index] = (try setting.type.parse(text), .variable(setting.variable))
            } catch {
                let text = environment(setting.variable) ?? ""
                throw CommandFailure(.invalid, "\(setting.variable) is '\(text)'; it \(error.message)")
            }
        }
        guard let arguments else { return }
        let flags = Set(arguments.command.options.map(\.name))
        for (index, setting) in Setting.all.enumerated() where flags.contains(setting.flag) {
            do throws(SettingProblem) {
                guard let text = arguments.value(setting.flag) else { continue }
                values[index] = (try setting.type.parse(text), .flag(setting.flag))
            } catch {
                throw arguments.usage(
                    "\(setting.flag) is '\(arguments.value(setting.flag) ?? "")'; it \(error.message)")
            }
        }
    }

    // MARK: weir.json

    private mutating func read(_ file: SettingsFile) throws(CommandFailure) {
        guard let object = file.root.object else { throw file.failure(file.root, "must be an object") }
        let outer = Setting.all.map(\.name).filter { !$0.contains(".") } + Setting.groups
        for member in object.members {
            if Setting.groups.contains(member.key) {
                guard let group = member.node.object else {
                    throw file.failure(member.node, "\(member.key) must be an object")
                }
                let names = Setting.all.map(\.name).filter { $0.hasPrefix(member.key + ".") }
                for inner in group.members { try read(inner, "\(member.key).\(inner.key)", names, file) }
            } else {
                // Dots are written as objects: a name with one is no key.
                try read(member, member.key, outer, file)
            }
        }
    }

    private mutating func read(
        _ member: JSONMember, _ name: String, _ names: [String], _ file: SettingsFile
    ) throws(CommandFailure) {
        guard names.contains(name), let index = Setting.all.firstIndex(where: { $0.name == name }) else {
            var near = nearestName(to: name, among: names).map { "; did you mean '\($0)'?" }
            let parts = name.split(separator: ".")
            if parts.count == 2, Setting.all.contains(where: { $0.name == name }) {
                near = "; write it as \"\(parts[1])\" in \"\(parts[0])\""
            }
            throw file.failure(
                at: member.keyOffset, "unknown setting '\(name)'" + (near ?? "; `weir config` lists them"))
        }
        do throws(SettingProblem) {
            let line = file.document.position(at: member.keyOffset).line
            values[index] = (try Setting.all[index].type.parse(member.node), .line(line))
        } catch {
            throw file.failure(at: error.offset ?? member.node.offset, "\(name) \(error.message)")
        }
    }

    // MARK: Values

    private subscript(name: String) -> SettingValue? {
        Setting.all.firstIndex { $0.name == name }.flatMap { values[$0].value }
    }

    /// Where the value of a setting comes from; nil when there is no such setting.
    func source(_ name: String) -> Source? { Setting.all.firstIndex { $0.name == name }.map { values[$0].source } }

    private func integer(_ name: String) -> Int? { if case .integer(let number) = self[name] { number } else { nil } }
    private func duration(_ name: String) -> TimeAmount? {
        if case .duration(let amount) = self[name] { amount } else { nil }
    }
    private func path(_ name: String) -> String? {
        guard case .text(let path) = self[name] else { return nil }
        return absolute(path)
    }
    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : home.path + "/" + path }

    var parallelism: Int { integer("parallelism") ?? 16 }
    /// What the daemon removes of the history by itself; nothing unless told.
    var retention: Retention {
        Retention(
            runs: duration("retention.runs"), keep: integer("retention.keep"), logs: duration("retention.logs"))
    }
    /// A folder, or `s3://BUCKET/PREFIX`; nil: the usual folder.
    private var lakePlace: String? {
        if case .text(let place) = self["lake"], S3Location(place) != nil { place } else { path("lake") }
    }
    private var hasOneWriter: Bool { self["lake_writers"] == .text("one") }
    /// - Parameter environment: for the settings of S3.
    func lake(attempt: String, _ environment: @escaping @Sendable (String) -> String?) -> LakeRoot {
        LakeRoot(lakePlace, home: home.path, attempt: attempt, isShared: !hasOneWriter, variable: environment)
    }
    /// A path, or `outbox`; nil: the first of the usual places.
    var sendmail: String? { if self["sendmail"] == .text("outbox") { "outbox" } else { path("sendmail") } }
    var duckdb: String? { path("duckdb") }
    /// Where the daemon listens for TCP; nil: nowhere.
    var listen: ListenAddress? { if case .text(let text) = self["listen"] { ListenAddress(text) } else { nil } }
    /// Whose word for whom they ask counts.
    var trustedProxies: TrustedProxies {
        if case .names(let ranges) = self["trusted_proxies"] { TrustedProxies(ranges) ?? .none } else { .none }
    }
    /// Requests per second of one client; nil: as it is usual where it listens.
    var rateLimit: Int? { integer("rate_limit") }
    var logLevel: Log.Level {
        if case .text(let word) = self["log_level"] { Log.Level(rawValue: word) ?? .info } else { .info }
    }
    /// Variables that templates may read.
    var environmentNames: [String] { if case .names(let names) = self["env"] { names } else { [] } }
    var secretSources: [String: Secrets.Source] {
        guard case .secrets(let sources) = self["secrets"] else { return [:] }
        return sources.mapValues { if case .file(let path) = $0 { .file(absolute(path)) } else { $0 } }
    }
    /// What DAG files may name; nil where there is no weir.json to name it.
    var names: ConfiguredNames? {
        knowsNames
            ? ConfiguredNames(environment: environmentNames, secrets: secretSources.keys.sorted()) : nil
    }

    /// As people read them, in the order of `Setting.all`.
    var texts: [String] { zip(Setting.all, values).map { $1.value?.text ?? $0.usualText } }

    /// What templates may read, as it is.
    func templateEnvironment(_ environment: (String) -> String?) -> [String: String] {
        var allowed: [String: String] = [:]
        for name in environmentNames { allowed[name] = environment(name) }
        return allowed
    }

    /// Where buckets are, as the AWS tools are told. Keys are not among them: they are secrets, or stand in a file.
    private static let objectStore = [
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    ]

    /// Where Spark is, and which cluster it uses.
    private static let spark = [
        "JAVA_HOME", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "HADOOP_CONF_DIR", "YARN_CONF_DIR",
    ]

    /// Tells an engine.
    func apply(to configuration: inout EngineConfiguration, _ environment: @escaping @Sendable (String) -> String?) {
        configuration.parallelism = parallelism
        configuration.retention = retention
        if let grace = duration("kill_grace") { configuration.grace = grace }
        if case .bytes(let count) = self["log_limit"] { configuration.logCapBytes = count }
        configuration.names = names
        configuration.templateEnvironment = templateEnvironment(environment)
        configuration.secrets = Secrets(secretSources, environment: environment)
        // What a task may see of the daemon's environment; nothing else of it does.
        var seen = ["PATH": environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"]
        for name in ["HOME", "LANG", "TZ"] + Self.objectStore + Self.spark {
            if let value = environment(name) { seen[name] = value }
        }
        seen["WEIR_LAKE"] = lakePlace
        if hasOneWriter { seen["WEIR_LAKE_WRITERS"] = "one" }
        seen["WEIR_SENDMAIL"] = sendmail
        seen["WEIR_DUCKDB"] = duckdb
        configuration.environment = seen
    }
}

extension Session {
    /// What `env` stands for in a simulation, which needs no values: a variable that is not set stands for itself.
    var forecastEnvironment: [String: String]? {
        guard settings.names != nil else { return nil }
        let known = settings.templateEnvironment(surroundings.environment)
        return Dictionary(settings.environmentNames.map { ($0, known[$0] ?? "env.\($0)") }) { first, _ in first }
    }
}
