import Glibc

/// The life of one task under its supervisor, from the start to the empty tree.
struct Supervision {
    private enum Phase {
        case running
        /// SIGTERM was sent; SIGKILL follows at this time.
        case terminating(until: Int64)
        case killing
    }

    private let spec: AttemptSpec
    private let cgroup: Cgroup?
    private let directory: AttemptDirectory
    private var mask: SecretMask?
    private var tree: TaskTree
    private var logCap: LogCap
    private var phase = Phase.running
    /// Why Weir ends the task; nil when it ended by itself.
    private var ending: AttemptResult.Outcome?
    private let timeout: Int64
    private var nextLook: Int64
    private var lookInterval = Self.shortestLook

    /// Microseconds between looks at a log that grows, and at one that does not.
    private static let shortestLook: Int64 = 200_000
    private static let longestLook: Int64 = 1_000_000
    /// Microseconds between attempts to end what does not end.
    private static let killInterval: Int64 = 50_000

    /// - Parameter mask: covers what the task prints of its secrets; nil when it has none.
    init(spec: AttemptSpec, task: RunningTask, directory: AttemptDirectory, mask: SecretMask?) {
        self.spec = spec
        self.directory = directory
        self.mask = mask
        cgroup = task.cgroup
        tree = TaskTree(main: task.pid, cgroup: task.cgroup)
        logCap = LogCap(file: task.log, cap: spec.logCapBytes)
        timeout = spec.timeoutMicroseconds.map(BootClock.after) ?? .max
        nextLook = BootClock.after(Self.shortestLook)
    }

    /// Returns when nothing of the task is left.
    mutating func run(_ events: inout SupervisorEvents) {
        var killRequested = false
        while true {
            tree.reap()
            if tree.isEmpty { break }
            let now = BootClock.now()
            var wake = step(now, killRequested: killRequested)
            if now >= nextLook { look(now) }
            wake = min(wake, nextLook)
            killRequested = events.wait(until: wake) || killRequested
        }
        _ = logCap.trim()
        mask?.pass(directory.log)
    }

    /// - Returns: when the next step is due at the latest.
    private mutating func step(_ now: Int64, killRequested: Bool) -> Int64 {
        switch phase {
        case .running:
            // What the program left behind is ended as the program itself would be.
            if tree.mainStatus != nil { return terminate(now) }
            if killRequested {
                ending = .killed
                return terminate(now)
            }
            if now >= timeout {
                ending = .timeout
                return terminate(now)
            }
            return timeout
        case .terminating(let end):
            if now >= end {
                phase = .killing
                tree.kill()
            }
            return min(end > now ? end : .max, now + Self.killInterval)
        case .killing:
            tree.kill()
            return now + Self.killInterval
        }
    }

    private mutating func terminate(_ now: Int64) -> Int64 {
        let (end, overflow) = now.addingReportingOverflow(max(0, spec.graceMicroseconds))
        phase = .terminating(until: overflow ? .max : end)
        tree.terminate()
        return min(overflow ? .max : end, now + Self.killInterval)
    }

    /// The log is looked at often while it grows and seldom while it does not.
    private mutating func look(_ now: Int64) {
        mask?.pass(directory.log)
        lookInterval = logCap.trim() ? Self.shortestLook : min(lookInterval * 2, Self.longestLook)
        nextLook = now + lookInterval
    }

    /// The result; to be asked for when `run` has returned.
    func result(started: Int64) -> AttemptResult {
        var result = AttemptResult(
            attempt: spec.attempt, outcome: .exited, startedMicroseconds: started,
            endedMicroseconds: BootClock.wallTime(), cpuMicroseconds: tree.cpuMicroseconds,
            peakMemoryBytes: tree.peakMemoryBytes)
        let ranOutOfMemory = spec.limits.memoryBytes != nil && cgroup?.ranOutOfMemory == true
        cgroup?.remove()
        switch tree.mainStatus {
        case .exited(let code): result.exitCode = code
        case .signaled(let signal):
            result.outcome = .signaled
            result.signal = signal
            result.reason = "ended by signal \(signal) (\(ExitStatus.name(ofSignal: signal)))"
            if ranOutOfMemory, let limit = spec.limits.memoryBytes {
                result.reason = "killed by the kernel: it needed more than its limit of \(limit) bytes of memory"
            } else if let limit = spec.limits.cpuSeconds, signal == SIGXCPU || isPast(cpuLimit: limit, signal) {
                result.reason = "ended by signal \(signal): it used its \(limit) s of processor time"
            }
        case nil: break
        }
        switch ending {
        case .timeout:
            result.outcome = .timeout
            result.reason = "ran longer than its timeout of \(Self.text(spec.timeoutMicroseconds ?? 0)) and was killed"
        case .killed:
            result.outcome = .killed
            result.reason = "killed on request"
        default: break
        }
        mask?.cover(directory.output)
        addOutput(to: &result)
        return result
    }

    /// Whether a task that did not heed SIGXCPU was killed at the hard limit.
    private func isPast(cpuLimit: Int64, _ signal: Int32) -> Bool {
        signal == SIGKILL && ending == nil && tree.cpuMicroseconds >= cpuLimit * 1_000_000
    }

    /// An output that breaks the contract makes the attempt fail, whatever the program's exit status says.
    private func addOutput(to result: inout AttemptResult) {
        let problem: String
        do throws(SystemError) {
            result.outputSHA256 = try AttemptOutput.digest(directory.output)
            return
        } catch {
            problem =
                error.code == EFBIG
                ? "wrote more than \(AttemptDirectory.outputLimit) bytes to WEIR_OUTPUT"
                : "WEIR_OUTPUT cannot be read: \(error.message)"
        }
        guard result.outcome == .exited else { return }
        result.reason = "\(problem) (its exit status was \(result.exitCode ?? 0))"
        if result.exitCode == 0 { result.exitCode = 1 }
    }

    private static func text(_ microseconds: Int64) -> String {
        let whole = microseconds / 1_000_000
        let rest = microseconds % 1_000_000
        if rest == 0 { return "\(whole) s" }
        if whole == 0 { return "\(Double(rest) / 1000) ms" }
        return "\(Double(microseconds) / 1_000_000) s"
    }
}
