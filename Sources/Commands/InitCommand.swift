import SchedulerCore
import Spawn

/// `weir init`: a home to begin with.
enum InitCommand {
    static let spec = CommandSpec(
        name: "init", summary: "make a home: dags/ with an example, and state/",
        positionals: [
            .init(name: "DIR", count: .optional, values: .directory, help: "where; the current directory when left out")
        ],
        examples: [("weir init pipelines", "then: cd pipelines && weir trigger hello")]
    ) { arguments, surroundings in
        let terminal = surroundings.terminal
        let folder = arguments[0] ?? arguments.value("--home") ?? surroundings.environment("WEIR_HOME") ?? "."
        guard !folder.isEmpty else {
            let what = arguments[0] != nil ? "DIR" : arguments.value("--home") != nil ? "--home" : "WEIR_HOME"
            throw arguments.usage("\(what) is empty; name a folder, or leave it out for the current one")
        }
        let example = folder + "/dags/hello.json"
        do throws(SystemError) {
            try File.makeDirectory(folder + "/dags", recursive: true)
            try File.makeDirectory(folder + "/state", recursive: true)
            // Beside dags/, where every *.json is a DAG.
            if try File.create(
                folder + "/dag.schema.json", Array(DAGSchema.text(kinds: Session.kinds).utf8), mode: 0o644)
            {
                terminal.print("made \(folder)/dag.schema.json, which tells editors what a DAG file may hold")
            }
            if try File.create(example, Array(hello.utf8), mode: 0o644) {
                terminal.print("made \(example)")
            } else {
                terminal.print("\(example) is there already and stays as it is")
            }
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
        terminal.print(
            "next: \(folder == "." ? "" : "cd \(shellWord(folder)) && ")weir validate, then: weir trigger hello --wait")
        return .done
    }

    /// A text as one word of a shell.
    private static func shellWord(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._/-".contains($0)) }
        return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }

    private static let hello = """
        {
          "$schema": "../dag.schema.json",
          "id": "hello",
          "description": "Two tasks, one after the other; change it and see what happens",
          "schedule": "daily",
          "catchup": false,
          "defaults": {"retries": 1, "retry_delay": "10s"},
          "tasks": [
            {"id": "greet", "kind": "command",
             "with": {"shell": "echo hello from the run of $WEIR_DS"}},
            {"id": "count", "kind": "command", "after": ["greet"],
             "with": {"shell": "echo this is try $WEIR_TRY_NUMBER of $WEIR_TASK_ID"}}
          ]
        }

        """
}
