import Glibc
import JSONText
import Spawn

/// Asks DuckDB about a lake. Only the files that manifests name can be read; nothing can be written but the answer.
public struct QueryRunner: Sendable {
    public enum Question: Sendable, Hashable {
        case table(LakeQuery)
        case sql(FreeQuery)
    }

    /// In which form values come back.
    public enum Form: Sendable, Hashable {
        /// With their types, as JSON has them; a number that JSON cannot hold is null.
        case values
        /// Each as DuckDB shows it, or null.
        case texts
        /// In a file: RFC 4180 with a header.
        case csv
        case parquet
    }

    private let home: String
    private let lake: LakeRoot
    private let limits: DuckDB.Limits
    private let duckdb: String?

    /// How often a question is asked at most when partitions change while it runs and cannot be held.
    private static let maximumTries = 5

    /// - Parameter home: where DuckDB is looked for, see ``DuckDB``.
    private static func readable(_ name: String, _ catalogue: Catalogue) throws -> String {
        let table = try catalogue.table(name)
        try table.mustBeReadable()
        return table.name
    }

    public init(home: String, lake: LakeRoot, limits: DuckDB.Limits = .query, duckdb: String? = nil) {
        self.duckdb = duckdb
        self.home = home
        self.lake = lake
        self.limits = limits
    }

    /// The answer to a question.
    ///
    /// - Throws: ``CatalogueProblem`` for what is wrong with the question, ``LakeError`` with DuckDB's words in one line.
    public func answer(_ question: Question, _ form: Form) throws -> QueryAnswer {
        let scratch = try QueryScratch()
        var tries = 1
        while true {
            let catalogue = try Catalogue(lake)
            var pins = PinnedFiles(lake)
            let tables = try held(question, catalogue, &pins, scratch)
            let checked = try checked(question, tables)
            // Files that could not be held may have been replaced meanwhile: then the lake is asked as it is now.
            do {
                let answer = try run(checked, form, scratch, catalogue)
                guard !pins.isComplete, tries < Self.maximumTries, hasChanged(checked) else { return answer }
            } catch let error as LakeError {
                guard !pins.isComplete || lake.remote != nil, tries < Self.maximumTries, hasChanged(checked) else {
                    throw error
                }
            }
            tries += 1
        }
    }

    /// The tables of the lake, with the columns that old manifests do not tell.
    public func table(_ name: String) throws -> LakeTable {
        let table = try Catalogue(lake).table(name)
        return table.lacksColumns ? try completed(table, QueryScratch()) : table
    }

    private func hasChanged(_ query: CheckedQuery) -> Bool {
        query.partitions.contains {
            (try? $0.partition.publishedManifest())?.generation != $0.manifest.generation
        }
    }

    /// The catalogue with the files of the days that the question is about held in place.
    private func held(
        _ question: Question, _ catalogue: Catalogue, _ pins: inout PinnedFiles, _ scratch: borrowing QueryScratch
    ) throws -> Catalogue {
        let (names, bounds) =
            switch question {
            case .table(let query): ([try Self.readable(query.table, catalogue)], query.bounds)
            case .sql(let query): (query.tables(of: catalogue).map(\.name), query.bounds)
            }
        // Before any file is touched.
        try bounds.check()
        return try catalogue.replacing { table in
            guard names.contains(table.name) else { return table }
            var table = table
            let wanted = Set(table.partitions(from: bounds.from, to: bounds.to).map(\.day))
            table.partitions = try table.partitions.compactMap { try wanted.contains($0.day) ? pins.hold($0) : $0 }
            return table.lacksColumns ? try completed(table, scratch) : table
        }
    }

    private func checked(_ question: Question, _ catalogue: Catalogue) throws(CatalogueProblem) -> CheckedQuery {
        switch question {
        case .table(let query): try query.checked(catalogue)
        case .sql(let query): try query.checked(catalogue)
        }
    }

    private func engine(_ files: [String], _ scratch: borrowing QueryScratch) throws -> DuckDB {
        try DuckDB(
            home: home, allowed: [scratch.path], files: files, temporary: scratch.path, limits: limits,
            program: duckdb, remote: lake.remote)
    }

    /// Asks DuckDB for the columns of partitions whose manifests are older than columns in manifests.
    private func completed(_ table: LakeTable, _ scratch: borrowing QueryScratch) throws -> LakeTable {
        var table = table
        let places = table.partitions.indices.filter { table.partitions[$0].lacksColumns }
        let files = places.map { table.partitions[$0].files[0] }
        let statements = files.map { "SELECT \(Column.query(parquet: $0)) AS columns;" }
        let answers = try engine(files, scratch).answers(statements.joined(separator: "\n"))
        for (place, rows) in zip(places, answers) {
            table.partitions[place].manifest.columns = Column.read(rows.first?["columns"])
        }
        return table
    }

    private func run(
        _ query: CheckedQuery, _ form: Form, _ scratch: borrowing QueryScratch, _ catalogue: Catalogue
    ) throws -> QueryAnswer {
        let duckdb = try engine(query.partitions.flatMap(\.files), scratch)
        func ask(_ statements: String) throws -> [[JSONNode]] {
            do { return try duckdb.answers(query.views + statements) } catch let error as LakeError {
                throw QueryWords.short(error, catalogue)
            }
        }
        var query = query
        if query.columns.isEmpty {
            query.columns = (try ask("DESCRIBE \(query.sql);").last ?? []).compactMap { row in
                guard let name = row["column_name"]?.string, let type = row["column_type"]?.string else { return nil }
                return Column(name, type)
            }
        }
        let script = AnswerScript(query, form, file: scratch.path + "/answer")
        return try script.answer(ask(script.statements.joined(separator: "\n")).last ?? [])
    }
}

extension LakeTable {
    /// Whether a manifest does not tell the columns of its Parquet file.
    var lacksColumns: Bool { partitions.contains(where: \.lacksColumns) }
}

extension TablePartition {
    var lacksColumns: Bool { !isRaw && manifest.columns.isEmpty && !manifest.files.isEmpty }
}
