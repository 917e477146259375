import Engine
import JSONText
import SchedulerCore

/// `weir config`: the settings, and where each comes from.
enum ConfigCommand {
    static let spec = CommandSpec(
        name: "config", summary: "show the settings, and where each comes from",
        positionals: [
            .init(
                name: "NAME", count: .optional, values: .setting,
                help: "one setting, of which only the value is printed")
        ],
        options: [CommandSpec.json] + Setting.options,
        examples: [
            ("weir config", "a flag counts before WEIR_<NAME>, that before weir.json, that before the default"),
            ("weir config parallelism", "the number alone, for scripts"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let terminal = surroundings.terminal
        var shown = Array(zip(Setting.all, session.settings.values))
        if arguments[0] == "home", !arguments.has("--json") {
            terminal.print(session.home.path)
            return .done
        }
        if let name = arguments[0] {
            shown = shown.filter { $0.0.name == name }
            if shown.isEmpty, name != "home" {
                let names = ["home"] + Setting.all.map(\.name)
                let near = nearestName(to: name, among: names).map { "; did you mean '\($0)'?" }
                throw CommandFailure(.notFound, "no setting '\(name)'" + (near ?? "; `weir config` lists them"))
            }
            if !arguments.has("--json") {
                terminal.print(shown.map { $0.1.value?.text ?? "" }.joined())
                return .done
            }
        }
        let unknown = UnknownVariable.find(surroundings)
        if arguments.has("--json") {
            terminal.print(json(shown, unknown, session))
        } else {
            var table = Table("SETTING", "VALUE", "FROM")
            table.rows = [["home", session.home.path, session.homeSource.text]]
            table.rows += shown.map { [$0.name, $1.value?.text ?? "(\($0.usualText))", $1.source.text] }
            terminal.write(table.text(terminal))
            for variable in unknown { terminal.error("weir: \(variable.message)") }
        }
        return .done
    }

    private static func json(
        _ shown: [(Setting, (value: SettingValue?, source: Settings.Source))], _ unknown: [UnknownVariable],
        _ session: Session
    ) -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("home", session.home.path)
            writer.member("home_source", session.homeSource.text)
            writer.key("settings")
            writer.array { writer in
                for (setting, entry) in shown {
                    writer.object {
                        $0.member("name", setting.name)
                        $0.key("value")
                        if let value = entry.value { value.write(to: &$0) } else { $0.null() }
                        $0.member("source", entry.source.text)
                        $0.member("accepts", setting.type.words)
                        $0.member("default", setting.usualText)
                        $0.member("variable", setting.variable)
                        $0.member("flag", setting.flag)
                        $0.member("help", setting.help)
                    }
                }
            }
            writer.key("unknown_variables")
            writer.array { for variable in unknown { $0.string(variable.name) } }
        }
        return writer.text
    }
}

/// A `WEIR_*` variable that nothing reads: nearly always a slip.
struct UnknownVariable {
    var name: String
    private var near: String?

    var message: String {
        "\(name) is set, and nothing reads it"
            + (near.map { "; did you mean \($0)?" } ?? "; `weir config` lists what is")
    }

    /// What is no setting: where Weir works, what it tells its tasks, and what tests use.
    private static let others: Set<String> = [
        "WEIR_HOME", "WEIR_OUTPUT", "WEIR_ATTEMPT_TOKEN", "WEIR_DAG_ID", "WEIR_RUN_ID", "WEIR_RUN_TYPE", "WEIR_TASK_ID",
        "WEIR_MAP_INDEX", "WEIR_TRY_NUMBER", "WEIR_DS", "WEIR_LOGICAL_DATE", "WEIR_DATA_INTERVAL_START",
        "WEIR_DATA_INTERVAL_END", "WEIR_EACH_VALUE", "WEIR_CLOCK_OFFSET", "WEIR_FAULT", "WEIR_SAMPLES",
    ]

    static func find(_ surroundings: Surroundings) -> [UnknownVariable] {
        let known = Setting.all.map(\.variable) + ["WEIR_HOME"]
        return surroundings.variables().sorted().compactMap { name in
            guard name.hasPrefix("WEIR_"), !known.contains(name), !others.contains(name),
                !name.hasPrefix("WEIR_PARAM_")
            else { return nil }
            return UnknownVariable(name: name, near: nearestName(to: name, among: known))
        }
    }
}
