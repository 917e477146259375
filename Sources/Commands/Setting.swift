import Engine
import JSONText
import Observability
import SchedulerCore

/// One thing that can be set: by a flag, by `WEIR_<NAME>`, or in weir.json; the first of these that is given counts.
struct Setting: Sendable {
    /// As in weir.json; `a.b` is the member `b` of the object `a`.
    var name: String
    var type: SettingType
    /// What holds when nobody sets it; nil: nothing.
    var usual: SettingValue?
    /// What happens without a value, in words, where `usual` does not tell.
    var usually: String?
    var help: String

    var variable: String { "WEIR_" + name.uppercased().map { $0 == "." ? "_" : String($0) }.joined() }
    var flag: String { "--" + name.map { $0 == "." || $0 == "_" ? "-" : String($0) }.joined() }
    var option: CommandSpec.Option { .value(flag, type.placeholder, values: type.values, help) }
    var usualText: String { usual?.text ?? usually ?? "none" }

    init(_ name: String, _ type: SettingType, _ usual: SettingValue?, or words: String? = nil, _ help: String) {
        self.name = name
        self.type = type
        self.usual = usual
        usually = words
        self.help = help
    }

    /// Every setting there is. All of them but those of the REST API hold anew after `weir reload`, for what starts from
    /// then on.
    static let all: [Setting] = [
        Setting("parallelism", .integer(1...4096), .integer(16), "attempts at once over all DAGs"),
        Setting(
            "kill_grace", .duration, .duration(TimeAmount(seconds: 10)),
            "time between SIGTERM and SIGKILL for a task that is ended"),
        Setting(
            "log_limit", .bytes(64 << 10...1 << 40), .bytes(64 << 20),
            "bytes kept of what an attempt prints; past it the middle is dropped"),
        Setting(
            "log_level", .word(Log.Level.allCases.map(\.rawValue)), .text("info"),
            "how much the daemon says in its own log"),
        Setting(
            "retention.runs", .duration, nil, or: "all stay", "age, since its end, up to which a run stays"),
        Setting(
            "retention.keep", .integer(0...1_000_000_000), nil, or: "all stay",
            "so many of the newest runs of each DAG stay, whatever their age"),
        Setting("retention.logs", .duration, nil, or: "all stay", "age up to which what a task printed stays"),
        Setting(
            "listen", .address, nil, or: "no TCP, only the socket in state/",
            "where the REST API listens; a change needs a restart"),
        Setting(
            "trusted_proxies", .addresses, .names([]),
            "proxies whose word for whom they ask counts: addresses or ranges; after a restart"),
        Setting(
            "rate_limit", .integer(0...1_000_000), nil, or: "0 on loopback, else 100",
            "requests per second of one client to the REST API, 0: no limit; after a restart"),
        Setting("lake", .place, .text("state/lake"), "the folder of the lake, or where it is in S3"),
        Setting(
            "lake_writers", .word(["many", "one"]), .text("many"),
            "many: others may publish into a lake in S3, too"),
        Setting(
            "sendmail", .program(orWord: "outbox"), nil, or: "/usr/sbin/sendmail or /usr/lib/sendmail, else outbox",
            "the sendmail program; outbox writes mails to state/outbox/"),
        Setting(
            "duckdb", .program(orWord: nil), nil, or: "the one in .tools/, or beside weir", "the DuckDB program"),
        Setting(
            "env", .names, .names([]), "variables of Weir's environment that templates may read as {{ env.NAME }}"),
        Setting(
            "secrets", .secrets, .secrets([:]), "where the secrets stand that templates may name as {{ secret.name }}"),
    ]

    static let options = all.map(\.option)

    /// What stands before the dot of names: objects in weir.json.
    static var groups: [String] {
        var groups: [String] = []
        for setting in all {
            let parts = setting.name.split(separator: ".")
            if parts.count == 2, groups.last != String(parts[0]) { groups.append(String(parts[0])) }
        }
        return groups
    }
}

/// The value of a setting.
enum SettingValue: Hashable {
    case integer(Int)
    case duration(TimeAmount)
    case bytes(Int64)
    case text(String)
    case names([String])
    case secrets([String: Secrets.Source])

    /// As a person would write it. Secrets are told by their places.
    var text: String {
        switch self {
        case .integer(let number): "\(number)"
        case .duration(let amount): "\(amount)"
        case .bytes(let count):
            switch count {
            case let count where count % (1 << 30) == 0: "\(count >> 30)GiB"
            case let count where count % (1 << 20) == 0: "\(count >> 20)MiB"
            case let count where count % (1 << 10) == 0: "\(count >> 10)KiB"
            default: "\(count)B"
            }
        case .text(let text): text
        case .names(let names): names.isEmpty ? "none" : names.joined(separator: ",")
        case .secrets(let sources):
            sources.isEmpty
                ? "none"
                : sources.sorted { $0.key < $1.key }.map { name, source in
                    switch source {
                    case .file(let path): "\(name): file \(path)"
                    case .variable(let variable): "\(name): env \(variable)"
                    }
                }.joined(separator: "; ")
        }
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .integer(let number): writer.integer(number)
        case .names(let names): writer.array { for name in names { $0.string(name) } }
        case .secrets(let sources):
            writer.object { writer in
                for (name, source) in sources.sorted(by: { $0.key < $1.key }) {
                    writer.key(name)
                    writer.object {
                        switch source {
                        case .file(let path): $0.member("file", path)
                        case .variable(let variable): $0.member("env", variable)
                        }
                    }
                }
            }
        default: writer.string(text)
        }
    }
}
