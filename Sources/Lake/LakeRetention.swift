import JSONText
import Spawn

/// What becomes of old data: decided day by day from the manifests, then carried out.
public struct LakeRetention {
    public struct Policy: Sendable {
        public var raw: String
        /// Bucket that is made from the raw one: a day is archived only when it has consumed the day's raw data.
        public var staging: String
        /// Bucket of the datasets, which must have consumed the staged day.
        public var datasets: String
        /// Raw days before this one are archived.
        public var archiveBefore: String
        /// Archives of days before this one are deleted, and what was set aside for them.
        public var deleteBefore: String
        /// Staged days before this one are emptied; nil keeps them.
        public var expireStagingBefore: String?

        public init(
            raw: String, staging: String, datasets: String, archiveBefore: String,
            deleteBefore: String, expireStagingBefore: String?
        ) {
            self.raw = raw
            self.staging = staging
            self.datasets = datasets
            self.archiveBefore = archiveBefore
            self.deleteBefore = deleteBefore
            self.expireStagingBefore = expireStagingBefore
        }
    }

    public enum Action: String, Sendable, Hashable {
        case archive
        /// The archive of the day.
        case delete
        case expireStaging = "expire_staging"
        case deleteQuarantine = "delete_quarantine"
        /// It is old enough, and stays for a reason.
        case keep
    }

    public struct Step: Sendable, Hashable {
        public var action: Action
        public var day: String
        /// What it is about: rows and bytes, or why the day stays.
        public var detail: String

        public init(_ action: Action, _ day: String, _ detail: String = "") {
            self.action = action
            self.day = day
            self.detail = detail
        }
    }

    private let lake: LakeRoot
    private let policy: Policy
    private let archiver: Archiver

    /// - Parameter archiver: of the policy's raw bucket.
    public init(_ lake: LakeRoot, _ policy: Policy, _ archiver: Archiver) {
        self.lake = lake
        self.policy = policy
        self.archiver = archiver
    }

    /// What is to be done, in order. Changes nothing.
    public func plan() throws -> [Step] {
        let holds = try LegalHolds(lake)
        var steps: [Step] = []
        let old = try lake.manifests(policy.raw) { $0 < policy.archiveBefore }
        for (day, manifest) in old where manifest.archived == nil {
            if let reason = try holds.reason(day) ?? unfinished(day, manifest) {
                steps.append(Step(.keep, day, reason))
            } else {
                steps.append(Step(.archive, day, "\(manifest.rows) records, \(manifest.bytes) bytes"))
            }
        }
        for day in try archiver.days() where day < policy.deleteBefore {
            if let reason = holds.reason(day) {
                steps.append(Step(.keep, day, "its archive is \(reason)"))
            } else {
                steps.append(Step(.delete, day))
            }
        }
        if let before = policy.expireStagingBefore {
            for (day, manifest) in try lake.manifests(policy.staging, where: { $0 < before }) where !manifest.isExpired
            {
                guard try isConsumed(day, staged: manifest.generation) else { continue }
                steps.append(Step(.expireStaging, day, "\(manifest.rows) rows, \(manifest.bytes) bytes"))
            }
        }
        let aside = File.exists(lake.quarantine) ? try File.list(lake.quarantine).sorted() : []
        for day in aside.filter({ $0.hasPrefix("dt=") }).map({ String($0.dropFirst(3)) })
        where day < policy.deleteBefore && holds.reason(day) == nil {
            steps.append(Step(.deleteQuarantine, day))
        }
        return steps
    }

    /// Why the raw data of a day is still needed: something that is made from it has not been made.
    private func unfinished(_ day: String, _ raw: Manifest) throws -> String? {
        // A day of which nothing was loaded has nothing to be processed.
        guard raw.rows > 0 else { return nil }
        let staging = lake.partition(policy.staging, day)
        guard let staged = try staging.manifest() else { return "\(staging.name) was never made from it" }
        let consumed = staged.inputs.first { $0.partition == lake.partition(policy.raw, day).name }?.generation ?? 0
        guard consumed >= raw.generation else {
            return "\(staging.name) has consumed generation \(consumed) of \(raw.generation)"
        }
        guard try isConsumed(day, staged: staged.generation) else {
            return "no dataset of \(policy.datasets) was made from generation \(staged.generation) of \(staging.name)"
        }
        return try failedChecks(day)
    }

    /// Whether the datasets of a day exist, and all were made from the staged day as it is.
    private func isConsumed(_ day: String, staged generation: Int64) throws -> Bool {
        var count = 0
        for name in try lake.datasets(policy.datasets) {
            guard let manifest = try lake.partition("\(policy.datasets)/\(name)", day).manifest() else { continue }
            let consumed = manifest.inputs.first { $0.partition == lake.partition(policy.staging, day).name }
            guard consumed?.generation ?? 0 >= generation else { return false }
            count += 1
        }
        return count > 0
    }

    /// Whether the newest quality report of the day has failed checks.
    private func failedChecks(_ day: String) throws -> String? {
        let folder = lake.path + "/quality"
        guard File.exists(folder) else { return nil }
        for dag in try File.list(folder).sorted() {
            let reports = "\(folder)/\(dag)/dt=\(day)"
            guard File.exists(reports) else { continue }
            let newest = try File.list(reports).filter { $0.hasSuffix(".json") }.max {
                (File.status("\(reports)/\($0)")?.modified ?? 0, $0) < (
                    File.status("\(reports)/\($1)")?.modified ?? 0, $1
                )
            }
            guard let newest,
                let root = (try? JSONDocument(parsing: try File.read("\(reports)/\(newest)", limit: 1 << 26)))?.root
            else { continue }
            let failed = (root["checks"]?.array ?? []).count { node in
                node["severity"]?.string == "error" && ["fail", "not_evaluated"].contains(node["status"]?.string ?? "")
            }
            if failed > 0 { return "\(failed) quality checks of \(dag) failed" }
        }
        return nil
    }

    /// Carries a step out.
    public func perform(_ step: Step, _ publisher: Publisher) throws {
        switch step.action {
        case .keep: break
        case .archive: try archiver.store(step.day)
        case .delete: try archiver.delete(step.day)
        case .expireStaging: try expireStaging(step.day, publisher)
        case .deleteQuarantine: try File.removeTree("\(lake.quarantine)/dt=\(step.day)")
        }
    }

    private func expireStaging(_ day: String, _ publisher: Publisher) throws {
        let partition = lake.partition(policy.staging, day)
        try publisher.locked(partition) {
            // Somebody may have made it anew since the plan.
            guard var manifest = try partition.manifest(), !manifest.isExpired,
                try isConsumed(day, staged: manifest.generation)
            else { return }
            manifest.files = []
            manifest.isExpired = true
            let stub = try publisher.stage(partition)
            try publisher.empty(stub, as: partition, manifest)
        }
    }
}
