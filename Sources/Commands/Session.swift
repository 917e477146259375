import API
import Engine
import Glibc
import JSONText
import SQLiteStore
import SchedulerCore
import Spawn
import Store
import TaskKinds

/// What a command works with: the home, the settings, the store, the engine.
struct Session {
    let home: Home
    let homeSource: Settings.Source
    let settings: Settings
    /// The engine of this command only changes what is stored.
    var startsNothing = false
    /// Why the settings that were given do not hold, when this command goes on without them.
    private(set) var brokenSettings: CommandFailure?
    let surroundings: Surroundings

    var terminal: Terminal { surroundings.terminal }

    /// What broken settings are to a command.
    enum SettingsUse {
        /// It cannot work with them.
        case needed
        /// It reads the store, or asks a daemon, which needs none: a warning. An engine of its own is refused later.
        case optional
        /// It says nothing of them.
        case none
    }

    init(
        _ arguments: Arguments, _ surroundings: Surroundings, settings use: SettingsUse = .needed
    ) throws(CommandFailure) {
        let given: String
        if let flag = arguments.value("--home") {
            (given, homeSource) = (flag, .flag("--home"))
        } else if let variable = surroundings.environment("WEIR_HOME") {
            (given, homeSource) = (variable, .variable("WEIR_HOME"))
        } else {
            (given, homeSource) = (".", .currentDirectory)
        }
        guard !given.isEmpty else {
            throw arguments.usage("\(homeSource.text) is empty; name a home, or leave it out for the current directory")
        }
        guard let path = realpath(given, nil) else {
            throw CommandFailure(
                .notFound, "WEIR_HOME is '\(given)', which is not there; `weir init \(given)` makes it")
        }
        defer { free(path) }
        home = Home(path: String(cString: path))
        self.surroundings = surroundings
        guard use != .none else {
            settings = Settings(defaultsOf: home)
            return
        }
        do throws(CommandFailure) { settings = try Settings(home, surroundings.environment, arguments) } catch {
            guard use == .optional, error.status == .invalid else { throw error }
            settings = Settings(defaultsOf: home)
            brokenSettings = error
            surroundings.terminal.error("weir: warning: \(error.message); `weir doctor` checks the settings")
        }
    }

    /// What a command says that only a daemon can serve.
    var noDaemon: CommandFailure {
        CommandFailure(.unavailable, "no daemon answers in \(home.path); `weir daemon` starts one")
    }

    static var kinds: [KindSpec] { TaskKindRegistry.all.map { $0.spec } }

    // MARK: Reading

    /// The store, to be read; nil when nothing has run here yet.
    func reader() throws(CommandFailure) -> (any StoreReader)? {
        do throws(StoreError) {
            return try SQLiteReader(path: home.database)
        } catch {
            if error.code == .missing, !File.exists(home.database) { return nil }
            throw CommandFailure(error)
        }
    }

    /// The store, for a command that makes no sense without one.
    func existingReader() throws(CommandFailure) -> any StoreReader {
        guard let reader = try reader() else {
            throw CommandFailure(.notFound, "nothing has run in \(home.path) yet; `weir trigger DAG` starts a run")
        }
        return reader
    }

    /// - Parameter now: what time it is, for warnings that need it.
    func folder(now: Instant? = nil) throws(CommandFailure) -> DAGFolderContents {
        let contents = DAGFolder.load(home, kinds: Self.kinds, now: now, names: settings.names)
        if let problem = contents.problem {
            throw CommandFailure(.notFound, "no DAG folder: \(problem); `weir init` makes one")
        }
        return contents
    }

    /// A valid DAG of the folder.
    func dag(_ id: String) throws(CommandFailure) -> (file: LoadedDAGFile, dag: DAG) {
        let few = DAGFolder.load(home, dag: id, kinds: Self.kinds, names: settings.names)
        if let file = few.file(ofDAG: id), let dag = file.dag { return (file, dag) }
        // What is wrong, all files tell.
        let contents = try folder()
        if let file = contents.file(ofDAG: id), let dag = file.dag { return (file, dag) }
        if let broken = contents.files.first(where: { $0.dag == nil && ($0.file == id + ".json") }),
            let error = broken.errors.first
        {
            throw CommandFailure(
                .invalid, "\(broken.file):\(error.line):\(error.column): \(error.message) (`weir validate` shows all)")
        }
        let near = nearestName(to: id, among: contents.files.compactMap { $0.dag?.id })
        throw CommandFailure(
            .notFound,
            "no DAG '\(id)' in \(home.dags)" + (near.map { "; did you mean '\($0)'?" } ?? "; `weir dags` lists them"))
    }

    /// What the store knows of a DAG; nil when it was never loaded.
    func record(_ dag: String) throws(CommandFailure) -> DAGRecord? {
        guard let reader = try reader() else { return nil }
        do throws(StoreError) { return try reader.dags().first { $0.record.id == dag }?.record } catch {
            throw CommandFailure(error)
        }
    }

    /// A run by its id, or by enough of its beginning or its date to tell it.
    func run(_ dag: String, _ id: String, _ reader: any StoreReader) throws(CommandFailure) -> Run {
        guard !id.isEmpty else { throw CommandFailure(.usage, "RUN is empty; name a run, or its date") }
        do throws(StoreError) {
            if let run = try reader.run(dag: dag, runID: id) { return run }
            let runs = try reader.runs(RunQuery(dag: dag, limit: 10_000))
            if let date = CivilDate(id) {
                let zone = (try? self.dag(dag).dag.zone) ?? .utc
                // As `ds` and `--from` mean it: the local day that the run is about.
                let all = runs.filter { zone.date(at: $0.logicalDate) == date }
                let ofDay = all.contains { $0.type != .missed } ? all.filter { $0.type != .missed } : all
                let ofInterval = ofDay.filter(\.type.isOfInterval)
                if let run = ofInterval.count == 1 ? ofInterval.first : ofDay.count == 1 ? ofDay.first : nil {
                    return run
                }
                if !ofDay.isEmpty {
                    let names = ofDay.prefix(3).map(\.runID).joined(separator: ", ")
                    throw StoreError(.conflict, "'\(id)' could be \(names)" + (ofDay.count > 3 ? " …" : ""))
                }
            }
            // A date is nothing but a date: an id that begins with it in UTC is about another day.
            let matching =
                CivilDate(id) != nil ? [] : runs.filter { $0.runID.hasPrefix(id) || $0.runID.contains("__" + id) }
            if matching.count == 1 { return matching[0] }
            if matching.count > 1 {
                let names = matching.prefix(3).map(\.runID).joined(separator: ", ")
                throw StoreError(.conflict, "'\(id)' could be \(names)" + (matching.count > 3 ? " …" : ""))
            }
            if runs.isEmpty, try !reader.dags().contains(where: { $0.record.id == dag }) {
                throw StoreError(.missing, "no DAG '\(dag)' has run; `weir dags` lists them")
            }
            throw StoreError(.missing, "DAG '\(dag)' has no run '\(id)'; `weir runs \(dag)` lists them")
        } catch {
            throw CommandFailure(error.code == .missing || error.code == .conflict ? .notFound : .failed, error.message)
        }
    }

    /// The actor of the audit log: the user of this process.
    static var actor: String {
        getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "uid \(getuid())"
    }
}

extension CommandFailure {
    init(_ error: StoreError) {
        self.init(error.code == .fenced || error.code == .busy ? .unavailable : .failed, error.message)
    }

    init(_ error: CommandError) {
        let status: ExitCode =
            switch error.code {
            case .notFound: .notFound
            case .invalid: .usage
            case .conflict: .failed
            case .unavailable, .stopping: .unavailable
            }
        self.init(status, error.message)
    }

    init(_ error: EngineError) {
        self.init(error.code == .locked ? .unavailable : .failed, error.message)
    }
}
