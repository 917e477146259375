import Lake
import SchedulerCore
import Spawn

/// The quality reports that the lake keeps: of each DAG and day one for each run.
public struct QualityHistory: Sendable {
    private let folder: String

    /// - Parameter lake: the lake's folder.
    public init(lake: String) { folder = lake + "/quality" }

    /// The DAGs that have reports.
    public var dags: [String] { (try? File.list(folder)) ?? [] }

    /// The days that a DAG has reports of, in order.
    public func days(of dag: String) -> [String] {
        ((try? File.list("\(folder)/\(dag)")) ?? []).compactMap { name in
            guard name.hasPrefix("dt="), CivilDate(String(name.dropFirst(3))) != nil else { return nil }
            return String(name.dropFirst(3))
        }.sorted()
    }

    /// Where the report of a run stands.
    static func path(lake: String, dag: String, day: String, run: String) -> String {
        let name = String(run.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
        return "\(lake)/quality/\(dag)/dt=\(day)/\(name).json"
    }

    /// The reports of a day, the latest last.
    public func reports(of dag: String, day: String) throws -> [QualityReport] {
        let place = "\(folder)/\(dag)/dt=\(day)"
        return try ((try? File.list(place)) ?? []).filter { $0.hasSuffix(".json") }
            .map { try QualityReport(reading: place + "/" + $0) }
            .sorted { ($0.at, $0.runID) < ($1.at, $1.runID) }
    }

    /// The reports of runs with this id, or whose id or date begins so.
    public func reports(of dag: String, run: String) throws -> [QualityReport] {
        try days(of: dag).reversed().flatMap { try reports(of: dag, day: $0) }
            .filter { $0.runID.hasPrefix(run) || $0.runID.contains("__" + run) }
    }

    /// The latest report of each of the last days, oldest first.
    ///
    /// - Parameters:
    ///   - before: only days before this one.
    ///   - count: at most so many days that have a report.
    public func latest(of dag: String, before: String? = nil, count: Int) throws -> [QualityReport] {
        try days(of: dag).filter { day in before.map { day < $0 } ?? true }.suffix(count).compactMap { day in
            try reports(of: dag, day: day).last
        }
    }
}
