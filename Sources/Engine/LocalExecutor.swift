import Glibc
import JSONText
import Observability
import SchedulerCore
import Spawn
import Synchronization

/// Runs attempts on this machine, each under a supervisor of its own that outlives the daemon.
public final class LocalExecutor: Executor {
    private struct State {
        /// Attempts whose supervisor is being watched, and whose end was not yet reported.
        var watched: Set<Int64> = []
    }

    private let settings: Mutex<EngineConfiguration>
    private var configuration: EngineConfiguration { settings.withLock { $0 } }
    private let cgroup: String?
    private let state = Mutex(State())
    /// Starts and kills, in order: a kill never overtakes the start that it is about.
    private let starts = WorkQueue()
    /// What may take long: proving that a lost attempt's processes are gone.
    private let ends = WorkQueue(threads: 2)
    private let supervisors = WarmSupervisors()
    private let watcher = Mutex<ExitWatcher?>(nil)
    private let report = Mutex<Listener?>(nil)

    /// Not the function alone: a generic container wraps one anew at each look at it, and calls of it would go ever deeper.
    private struct Listener: Sendable {
        var tell: @Sendable (ExecutorReport) -> Void
    }

    public init(_ configuration: EngineConfiguration) {
        settings = Mutex(configuration)
        cgroup = CgroupRoot.find()
    }

    public func apply(_ configuration: EngineConfiguration) { settings.withLock { $0 = configuration } }

    public func begin(onReport: @escaping @Sendable (ExecutorReport) -> Void) throws(EngineError) {
        report.withLock { $0 = Listener(tell: onReport) }
        do throws(SystemError) {
            try File.makeDirectory(configuration.home.attempts, recursive: true)
            let watcher = try ExitWatcher { [weak self] attempt in self?.supervisorEnded(attempt) }
            self.watcher.withLock { $0 = watcher }
        } catch {
            throw EngineError(.io, "\(error)")
        }
    }

    public func start(_ launch: AttemptLaunch) {
        starts.add { [self] in
            let directory = directory(launch.attempt)
            do {
                try directory.create()
                Fault.point("start.directory_made")
                let (configuration, spec) = (configuration, spec(launch, directory))
                try spec.write(to: directory)
                Fault.point("start.spec_written")
                let secrets = try Self.secrets(of: spec, configuration.secrets)
                let supervisor = try supervisors.start(
                    program: configuration.supervisorProgram, directory: directory, secrets: secrets)
                Fault.point("start.spawned")
                watch(launch.attempt, pid: supervisor.pid, pidfd: supervisor.pidfd)
            } catch {
                // What failed may still have started something: only a look at it tells.
                ends.add { [self] in settle(launch.attempt, failedStart: error) }
            }
        }
    }

    public func kill(attempt: Int64) {
        starts.add { [self] in
            let directory = directory(attempt)
            // The marker stops a supervisor that has not looked yet; the signal ends one that has.
            try? directory.revoke()
            AttemptInspector.kill(directory)
            // One that nobody watches would never be reported: a person who cancels it has it looked at again.
            if !state.withLock({ $0.watched.contains(attempt) }) { ends.add { [self] in settle(attempt) } }
        }
    }

    public func discard(attempt: Int64) {
        ends.add { [self] in try? directory(attempt).removeAllButLog() }
    }

    public func recover(_ attempts: [Int64]) {
        for attempt in attempts {
            // Behind the starts that are waiting: an attempt that is about to be started is not to be revoked.
            starts.add { [self] in
                if state.withLock({ $0.watched.contains(attempt) }) { return }
                ends.add { [self] in settle(attempt) }
            }
        }
    }

    public func stop() {
        starts.stop()
        ends.stop()
        supervisors.stop()
        watcher.withLock { watcher in
            defer { watcher = nil }
            return watcher
        }?.stop()
    }

    // MARK: Ends

    private func watch(_ attempt: Int64, pid: Int32, pidfd: Int32) {
        guard state.withLock({ $0.watched.insert(attempt).inserted }) else {
            close(pidfd)
            return
        }
        do throws(SystemError) {
            try watcher.withLock { $0 }?.watch(pid: pid, pidfd: pidfd, token: attempt)
        } catch {
            state.withLock { _ = $0.watched.remove(attempt) }
            tell(.unsupervised(attempt, reason: "its supervisor runs, but cannot be watched: \(error)"))
        }
    }

    private func supervisorEnded(_ attempt: Int64) {
        state.withLock { _ = $0.watched.remove(attempt) }
        Fault.point("end.result_unread")
        if case .good(let result) = AttemptResult.read(from: directory(attempt)),
            let end = end(result, directory(attempt))
        {
            Fault.point("end.result_read")
            tell(.ended(attempt, end))
        } else {
            ends.add { [self] in settle(attempt, wasWatched: true) }
        }
    }

    /// Finds out how an attempt stands that nobody watches.
    /// - Parameters:
    ///   - failedStart: why its supervisor could not be started. When nothing was started nothing ever will be, since the
    ///     claim is taken now. The failure counts as a try, unless the machine is to blame.
    ///   - wasWatched: its supervisor did run, and has ended.
    private func settle(_ attempt: Int64, failedStart: (any Error)? = nil, wasWatched: Bool = false) {
        let directory = directory(attempt)
        switch AttemptInspector.recover(directory) {
        case .finished(let result):
            guard let end = end(result, directory) else {
                return tell(.unsupervised(attempt, reason: "it has ended; what it handed on cannot be read now"))
            }
            tell(.ended(attempt, end))
        case .badResult(let reason): tell(.ended(attempt, AttemptEnd(outcome: .badResult, reason: reason)))
        case .running(let identity, let pidfd): watch(attempt, pid: identity.pid, pidfd: pidfd)
        case .revoked:
            if let failedStart {
                let isSecret = failedStart is Secrets.Problem
                let reason = isSecret ? "\(failedStart)" : "could not start the supervisor: \(failedStart)"
                if Shortage.isBehind(failedStart) { return tell(.postponed(attempt, reason: reason)) }
                tell(.ended(attempt, AttemptEnd(outcome: .startFailed, reason: reason)))
            } else if wasWatched {
                let words = LastWords.of(directory).map { ": \($0)" } ?? ""
                tell(.lost(attempt, reason: "its supervisor ended before it began\(words)"))
            } else {
                tell(.revoked(attempt))
            }
        case .lost(let reason):
            cover(directory)
            tell(.lost(attempt, reason: reason))
        case .unproven(let reason): tell(.unsupervised(attempt, reason: reason))
        }
    }

    private func tell(_ news: ExecutorReport) {
        report.withLock { $0 }?.tell(news)
    }

    private func directory(_ attempt: Int64) -> AttemptDirectory {
        AttemptDirectory(path: configuration.home.attempt(attempt))
    }

    /// Nil when what the task handed on cannot be read at this moment.
    private func end(_ result: AttemptResult, _ directory: AttemptDirectory) -> AttemptEnd? {
        var end = AttemptEnd(
            outcome: AttemptEnd.Outcome(rawValue: result.outcome.rawValue) ?? .badResult,
            exitCode: result.exitCode.map(Int.init), signal: result.signal.map(Int.init),
            startedAt: Instant(microseconds: result.startedMicroseconds),
            endedAt: Instant(microseconds: result.endedMicroseconds), cpuMicroseconds: result.cpuMicroseconds,
            peakMemory: result.peakMemoryBytes, reason: result.reason)
        switch TaskOutput.read(directory) {
        case .success(let outputs): end.outputs = outputs
        case .failure(let problem):
            if problem.isShortage { return nil }
            if end.outcome == .exited, end.exitCode == 0 { end.outcome = .badResult }
            end.reason = end.reason ?? problem.message
        }
        if end.reason == nil, end.outcome == .exited, end.exitCode != 0, end.exitCode != 99 {
            end.reason = LastWords.of(directory).map { "exit \(end.exitCode ?? 0): \($0)" }
        } else if end.exitCode == 99, end.outcome == .exited {
            end.reason = LastWords.of(directory)
        }
        return end
    }

    // MARK: Specs

    private static func secrets(of spec: AttemptSpec, _ known: Secrets) throws(Secrets.Problem) -> AttemptSecrets {
        var values: [String: String] = [:]
        for name in spec.secrets { values[name] = try known.value(name) }
        return AttemptSecrets(values)
    }

    /// Masks what a task has printed whose supervisor was killed before it could: with the values as they are now.
    private func cover(_ directory: AttemptDirectory) {
        guard let spec = try? AttemptSpec.read(from: directory), !spec.secrets.isEmpty else { return }
        let known = configuration.secrets
        guard let mask = SecretMask(spec.secrets.compactMap { try? known.value($0) }) else { return }
        mask.cover(directory.log)
        mask.cover(directory.output)
    }

    private func spec(_ launch: AttemptLaunch, _ directory: AttemptDirectory) -> AttemptSpec {
        let configuration = configuration
        let home = configuration.home.path
        let token = AttemptSpec.randomToken()
        var env = configuration.environment
        for entry in launch.env { env[entry.name] = entry.value }
        env["WEIR_HOME"] = home
        env["WEIR_OUTPUT"] = directory.output
        env["WEIR_ATTEMPT_TOKEN"] = token
        let kind = configuration.kinds.first { $0.name == launch.kind }
        let argv: [String]
        var task: JSONNode?
        if kind?.launch == .program {
            if let words = launch.with["command"]?.array {
                argv = words.compactMap(\.string)
            } else {
                argv = ["/bin/sh", "-c", launch.with["shell"]?.string ?? ""]
            }
        } else {
            argv = [configuration.weirProgram, "task", directory.path]
            task = launch.task(home: home)
        }
        let folder = launch.workingDirectory.map { $0.hasPrefix("/") ? $0 : home + "/" + $0 } ?? home
        return AttemptSpec(
            attempt: launch.attempt, token: token, argv: argv, cwd: folder, env: env,
            timeoutMicroseconds: launch.timeout?.microseconds, graceMicroseconds: configuration.grace.microseconds,
            logCapBytes: configuration.logCapBytes, limits: Self.limits(launch),
            cgroup: cgroup.map { "\($0)/weir-\(token)" },
            secrets: launch.env.reduce(SecretReference.names(in: launch.with)) {
                $0.union(SecretReference.names(in: $1.value))
            }.sorted(), task: task)
    }

    private static func limits(_ launch: AttemptLaunch) -> ResourceLimits {
        // The kernel counts whole seconds.
        let cpu = launch.limits.cpuTime.map { max(1, ($0.microseconds + 999_999) / 1_000_000) }
        return ResourceLimits(
            memoryBytes: launch.limits.memory, cpuSeconds: cpu, openFiles: launch.limits.openFiles.map(Int64.init),
            softOpenFiles: DescriptorLimit.inherited,
            umask: launch.umask.map(Int32.init))
    }
}
