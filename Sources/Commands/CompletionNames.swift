import Access
import Engine
import Glibc
import JSONText
import Lake
import SQLiteStore
import SchedulerCore
import Spawn
import TaskKinds

/// The names in a home, as completion offers them: read from the store and the lake without a trace, with a daemon or
/// without one. What cannot be read has no names, and nobody is told: the shell is in the middle of a line.
struct CompletionNames {
    let surroundings: Surroundings

    /// At most so many names of what grows without end.
    static let limit = 50
    /// Files of DAGs that the store does not know yet are read up to this sum of bytes; the rest is named by its files.
    private static let readingLimit = 1 << 20

    func candidates(
        _ kind: ValueKind, _ prefix: String, _ context: Completion.Context
    ) -> [Completion.Candidate] {
        guard let home = home(context) else { return [] }
        let store = try? SQLiteNames(path: home.database)
        return switch kind {
        case .dag: dags(home, store)
        case .anyDAG: dags(home, store) + formerDAGs(store)
        case .run: runs(prefix, context, home, store)
        case .runDay: days(prefix, context, home, store)
        case .task: tasks(context, home, store)
        case .parameter: parameters(prefix, context, home, store)
        case .pool: pools(store)
        case .poolSlots: pools(store).map { .init(text: $0.text + "=", help: $0.help) }
        case .backfill: backfills(store)
        case .user, .token: access(kind, home)
        case .table, .day, .columns, .reportDAG, .reportDay: inLake(kind, prefix, context, home)
        default: []
        }
    }

    private func home(_ context: Completion.Context) -> Home? {
        var path = context.home ?? surroundings.environment("WEIR_HOME") ?? "."
        // The shell has not expanded it yet.
        if path == "~" || path.hasPrefix("~/"), let own = surroundings.environment("HOME") {
            path = own + path.dropFirst()
        }
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return Home(path: String(cString: real))
    }

    // MARK: DAGs

    private func dags(_ home: Home, _ store: SQLiteNames?) -> [Completion.Candidate] {
        let known = (try? store?.dags()) ?? []
        let ofFile = Dictionary(known.filter(\.isActive).map { ($0.file, $0) }) { first, _ in first }
        var left = Self.readingLimit
        return Self.files(home).map { file in
            if let dag = ofFile[file] { return .init(text: dag.id, help: dag.isPaused ? "paused" : "") }
            return .init(text: Self.id(inFile: home.dags + "/" + file, &left) ?? String(file.dropLast(".json".count)))
        }
    }

    /// Those whose files are gone, and whose history stays.
    private func formerDAGs(_ store: SQLiteNames?) -> [Completion.Candidate] {
        ((try? store?.dags()) ?? []).filter { !$0.isActive }.map { .init(text: $0.id, help: "no file") }
    }

    private static func id(inFile path: String, _ left: inout Int) -> String? {
        guard left > 0, let root = document(path, limit: left) else { return nil }
        left -= File.status(path).map { Int($0.size) } ?? 0
        return root["id"]?.string
    }

    private static func document(_ path: String, limit: Int = 16 << 20) -> JSONNode? {
        guard File.status(path)?.kind == .file, let bytes = try? File.read(path, limit: limit) else { return nil }
        return (try? JSONDocument(parsing: bytes))?.root
    }

    /// The file of the DAG that is named: as it is, or else as the store saw it last.
    private func file(_ context: Completion.Context, _ home: Home, _ store: SQLiteNames?) -> JSONNode? {
        guard let dag = context.dag, !dag.contains("/") else { return nil }
        let known = (try? store?.dags())?.first { $0.id == dag }
        let name = known?.file ?? dag + ".json"
        if let root = Self.document(home.dags + "/" + name), root["id"]?.string == dag { return root }
        if let text = try? store?.text(ofDAG: dag) { return (try? JSONDocument(parsing: Array(text.utf8)))?.root }
        var left = Self.readingLimit
        for file in Self.files(home) where left > 0 {
            let path = home.dags + "/" + file
            if Self.id(inFile: path, &left) == dag { return Self.document(path) }
        }
        return nil
    }

    private static func files(_ home: Home) -> [String] {
        ((try? File.list(home.dags)) ?? []).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
    }

    private func zone(_ context: Completion.Context, _ home: Home, _ store: SQLiteNames?) -> Zone {
        file(context, home, store)?["timezone"]?.string.flatMap { SystemZones.zone($0) } ?? .utc
    }

    private func parameters(
        _ prefix: String, _ context: Completion.Context, _ home: Home, _ store: SQLiteNames?
    ) -> [Completion.Candidate] {
        guard let params = file(context, home, store)?["params"]?.object else { return [] }
        guard let sign = prefix.firstIndex(of: "=") else {
            return params.members.map { .init(text: $0.key + "=", help: $0.node["description"]?.string ?? "") }
        }
        let name = String(prefix[..<sign])
        guard let parameter = params[name] else { return [] }
        let values = parameter["type"]?.string == "boolean" ? ["true", "false"] : []
        let words = parameter["enum"]?.array?.compactMap { $0.string ?? $0.integer.map { "\($0)" } }
        return (words ?? values).map { .init(text: "\(name)=\($0)") }
    }

    // MARK: Runs

    private func runs(
        _ prefix: String, _ context: Completion.Context, _ home: Home, _ store: SQLiteNames?
    ) -> [Completion.Candidate] {
        guard let dag = context.dag, let store else { return [] }
        let runs = (try? store.runs(ofDAG: dag, prefix: prefix, limit: Self.limit)) ?? []
        // Dates are for those who have begun to type one; they also name runs whose ids begin otherwise.
        let days = prefix.first?.isNumber == true ? days(prefix, context, home, store) : []
        return days + runs.map { .init(text: $0.runID, help: $0.state) }
    }

    /// Dates of runs in the DAG's zone, newest first.
    private func days(
        _ prefix: String, _ context: Completion.Context, _ home: Home, _ store: SQLiteNames?
    ) -> [Completion.Candidate] {
        guard let dag = context.dag, let store else { return [] }
        let zone = zone(context, home, store)
        var days: [Completion.Candidate] = []
        for run in (try? store.runs(ofDAG: dag, limit: 5_000)) ?? [] where run.type != RunType.missed.rawValue {
            let day = "\(zone.date(at: run.logicalDate))"
            guard day.hasPrefix(prefix), day != days.last?.text else { continue }
            days.append(.init(text: day, help: run.state))
            if days.count == Self.limit { break }
        }
        return days
    }

    /// Tasks of the run that is named, else of the DAG's file.
    private func tasks(
        _ context: Completion.Context, _ home: Home, _ store: SQLiteNames?
    ) -> [Completion.Candidate] {
        if let store, let run = run(context, home, store) {
            let tasks = (try? store.tasks(ofRun: run, limit: 4 * Self.limit)) ?? []
            if !tasks.isEmpty { return tasks.map { .init(text: $0.key.name, help: $0.state) } }
        }
        return (file(context, home, store)?["tasks"]?.array ?? []).compactMap { task in
            task["id"]?.string.map { .init(text: $0, help: task["description"]?.string ?? "") }
        }
    }

    /// The row of the run that is named by its id, its date or its beginning; where several could be meant, the newest.
    private func run(_ context: Completion.Context, _ home: Home, _ store: SQLiteNames) -> Int64? {
        guard let dag = context.dag, let name = context.run else { return nil }
        guard let date = CivilDate(name) else {
            let runs = (try? store.runs(ofDAG: dag, prefix: name, limit: Self.limit)) ?? []
            return (runs.first { $0.runID == name } ?? runs.first)?.row
        }
        let zone = zone(context, home, store)
        let runs = try? store.runs(
            ofDAG: dag, from: zone.startOfDay(date), to: zone.endOfDay(date), limit: Self.limit)
        return runs?.first { $0.type != RunType.missed.rawValue }?.row
    }

    // MARK: Pools and backfills

    private func pools(_ store: SQLiteNames?) -> [Completion.Candidate] {
        let pools = (try? store?.pools()) ?? []
        let usual = pools.contains { $0.name == Pool.defaultName } ? [] : [Completion.Candidate(text: Pool.defaultName)]
        return usual + pools.map { .init(text: $0.name, help: $0.description) }
    }

    private func backfills(_ store: SQLiteNames?) -> [Completion.Candidate] {
        ((try? store?.backfills(limit: Self.limit)) ?? []).map {
            .init(text: "\($0.id)", help: "\($0.dag), \($0.state)")
        }
    }

    private func access(_ kind: ValueKind, _ home: Home) -> [Completion.Candidate] {
        guard let names = AccessNames(path: home.accessDatabase) else { return [] }
        return kind == .user
            ? names.users.map { .init(text: $0.name, help: $0.role) }
            : names.tokens.map { .init(text: $0.id, help: "\($0.user), \($0.name)") }
    }

    // MARK: The lake

    private func inLake(
        _ kind: ValueKind, _ prefix: String, _ context: Completion.Context, _ home: Home
    ) -> [Completion.Candidate] {
        let settings = (try? Settings(home, surroundings.environment)) ?? Settings(defaultsOf: home)
        let lake = settings.lake(attempt: "completion", surroundings.environment)
        let names = LakeNames(lake)
        switch kind {
        case .table: return (prefix.contains("/") ? names.tables : names.shortTables).map { .init(text: $0) }
        case .day:
            guard let table = context.table else { return [] }
            return Self.days(names.days(of: table), prefix)
        case .columns:
            guard let table = context.table else { return [] }
            return names.columns(of: table).map { .init(text: $0.name, help: $0.description) }
        case .reportDAG: return QualityHistory(lake: lake.path).dags.sorted().map { .init(text: $0) }
        case .reportDay:
            guard let dag = context.dag, !dag.contains("/") else { return [] }
            return Self.days(QualityHistory(lake: lake.path).days(of: dag).reversed(), prefix)
        default: return []
        }
    }

    private static func days(_ days: [String], _ prefix: String) -> [Completion.Candidate] {
        days.filter { $0.hasPrefix(prefix) }.prefix(limit).map { .init(text: $0) }
    }
}
