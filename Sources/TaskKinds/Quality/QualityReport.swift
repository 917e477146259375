import JSONText
import SchedulerCore
import Spawn

/// What the checks of one run found: `quality/<dag>/dt=<day>/<run>.json` in the lake.
public struct QualityReport: Sendable {
    /// What became of a check.
    public enum Status: String, Sendable, CaseIterable {
        // In the order in which they need attention.
        case fail
        case notEvaluated = "not_evaluated"
        case warn, pass
    }

    /// How bad it is when a check does not hold. `info` is only said of one that lacks a history.
    public enum Severity: String, Sendable, CaseIterable { case error, warn, info }

    /// One check, as it was answered.
    public struct Check: Sendable {
        /// Names it in the history, too.
        public var name: String
        /// As in the file of checks; `conservation` for what is always asked.
        public var type: String
        /// The dataset that it is about.
        public var dataset: String
        /// As declared, or what `min_history` says.
        public var severity: Severity
        /// What became of it.
        public var status: Status
        /// Rows that fail it, or 1 when it is not about rows; nil when it was not evaluated.
        public var failing: Int64?
        /// Rows that were looked at.
        public var total: Int64?
        /// What was measured.
        public var metric: Double?
        /// The answer in words.
        public var detail: String
        /// Some of the rows that fail: objects of texts.
        public var samples: [JSONNode] = []

        /// Whether the task fails with it.
        public var isFailure: Bool { status == .fail || status == .notEvaluated && severity == .error }
        /// Whether a person should look at it, though the task succeeds.
        public var isWarning: Bool { status == .warn || status == .notEvaluated && severity == .warn }
    }

    /// A number that the report's file asks for.
    public struct Number: Sendable {
        /// How it is written for people.
        public enum Format: String, Sendable, CaseIterable { case number, percent }

        /// What it is called; names it in the history, too.
        public var title: String
        /// How it is written.
        public var format: Format
        /// nil when it could not be computed.
        public var value: Double?

        /// For people.
        public var text: String { value.map(words) ?? "unknown" }

        /// Any value of its kind for people.
        func words(_ value: Double) -> String {
            format == .percent ? Figures.percent(value) : Figures.plain(value, digits: 3)
        }
    }

    /// The DAG of the run.
    public var dagID: String
    /// The run that made the checks.
    public var runID: String
    /// The day, `YYYY-MM-DD`.
    public var ds: String
    /// When the checks were made; microseconds since 1970 UTC.
    public var at: Int64
    /// What the raw partition counts, as `load` wrote it.
    public var counts: JSONNode?
    /// Rows of each dataset.
    public var rows: [(dataset: String, rows: Int64)]
    /// What the report's file asks for.
    public var numbers: [Number]
    /// Fields that no schema declares, with their records.
    public var drift: [(field: String, records: Int64)]
    /// In the order of the file.
    public var checks: [Check]

    /// The checks by how much they need attention.
    public var inOrder: [Check] { Status.allCases.flatMap { status in checks.filter { $0.status == status } } }

    /// `31 checks: 1 fail, 30 pass`.
    public var summary: String {
        let counts = Status.allCases.compactMap { status in
            let count = checks.count { $0.status == status }
            return count == 0 ? nil : "\(count) \(status.rawValue)"
        }
        return "\(checks.count) checks: \(counts.joined(separator: ", "))"
    }

    func rows(of dataset: String) -> Int64? { rows.first { $0.dataset == dataset }?.rows }
    func number(_ title: String) -> Number? { numbers.first { $0.title == title } }
    /// The check of this name.
    public func check(_ name: String) -> Check? { checks.first { $0.name == name } }

    // MARK: JSON

    /// - Throws: a file that is not there, or no report.
    public init(reading path: String) throws {
        let root: JSONNode
        do {
            root = try JSONDocument(parsing: try File.read(path, limit: 16 << 20)).root
        } catch let error as JSONSyntaxError {
            throw TaskFailure("\(path) is no quality report: \(error.message)", mayRetry: false)
        }
        // Reports of earlier versions do not say when they were made.
        self.init(root, at: root["at"]?.integer ?? File.status(path)?.modified ?? 0)
    }

    init(_ root: JSONNode, at: Int64) {
        func numbers(_ key: String) -> [(String, Int64)] {
            (root[key]?.object?.members ?? []).compactMap { member in member.node.integer.map { (member.key, $0) } }
        }
        dagID = root["dag_id"]?.string ?? ""
        runID = root["run_id"]?.string ?? ""
        ds = root["ds"]?.string ?? ""
        self.at = at
        counts = root["counts"].flatMap { $0.object == nil ? nil : $0 }
        rows = numbers("rows").map { (dataset: $0.0, rows: $0.1) }
        drift = numbers("drift").map { (field: $0.0, records: $0.1) }
        self.numbers = (root["numbers"]?.array ?? []).map { node in
            Number(
                title: node["title"]?.string ?? "",
                format: node["format"]?.string.flatMap(Number.Format.init) ?? .number,
                value: node["value"]?.double)
        }
        checks = (root["checks"]?.array ?? []).map { node in
            Check(
                name: node["name"]?.string ?? "", type: node["type"]?.string ?? "",
                dataset: node["dataset"]?.string ?? "",
                severity: node["severity"]?.string.flatMap(Severity.init) ?? .error,
                // A word that this version does not know is no pass.
                status: node["status"]?.string.flatMap(Status.init) ?? .notEvaluated,
                failing: node["failing"]?.integer, total: node["total"]?.integer, metric: node["metric"]?.double,
                detail: node["detail"]?.string ?? "", samples: node["samples"]?.array ?? [])
        }
    }

    init(
        dagID: String, runID: String, ds: String, at: Int64, counts: JSONNode? = nil,
        rows: [(dataset: String, rows: Int64)] = [], numbers: [Number] = [],
        drift: [(field: String, records: Int64)] = [], checks: [Check]
    ) {
        self.dagID = dagID
        self.runID = runID
        self.ds = ds
        self.at = at
        self.counts = counts
        self.rows = rows
        self.numbers = numbers
        self.drift = drift
        self.checks = checks
    }

    /// The report as JSON.
    ///
    /// - Parameter isFile: the time as a number, as the file has it.
    public func write(to writer: inout JSONWriter, isFile: Bool = true) {
        writer.object { writer in
            writer.member("dag_id", dagID)
            writer.member("run_id", runID)
            writer.member("ds", ds)
            if isFile { writer.member("at", at) } else { writer.member("at", "\(Instant(microseconds: at))") }
            writer.key("counts")
            if let counts { writer.node(counts) } else { writer.null() }
            writer.key("rows")
            writer.object { for item in rows { $0.member(item.dataset, item.rows) } }
            writer.key("drift")
            writer.object { for item in drift { $0.member(item.field, item.records) } }
            writer.key("numbers")
            writer.array { writer in
                for number in numbers {
                    writer.object {
                        $0.member("title", number.title)
                        $0.member("format", number.format.rawValue)
                        $0.member("value", number.value)
                    }
                }
            }
            writer.key("checks")
            writer.array { writer in for check in checks { check.write(to: &writer) } }
        }
    }
}

extension QualityReport.Check {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", name)
            writer.member("type", type)
            writer.member("dataset", dataset)
            writer.member("severity", severity.rawValue)
            writer.member("status", status.rawValue)
            writer.member("failing", failing)
            writer.member("total", total)
            writer.member("metric", metric)
            writer.member("detail", detail)
            writer.key("samples")
            writer.array { for sample in samples { $0.node(sample) } }
        }
    }
}
