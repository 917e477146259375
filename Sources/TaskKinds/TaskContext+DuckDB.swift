import Glibc
import JSONText
import Lake
import SchedulerCore

/// The SQL engine as tasks use it.
extension TaskContext {
    /// The parameters that kinds with SQL share.
    static let engineParameters = [
        KindParameter("memory", .string, help: "memory of the SQL engine, such as 2GiB; a quarter of the machine's"),
        KindParameter(
            "threads", .integer,
            help: "threads of the SQL engine; as many as the data is worth, at most one for each core"),
    ]

    /// An engine that sees the lake and nothing else. What does not fit into its memory goes to the attempt's staging area.
    /// - Parameters:
    ///   - input: bytes that it has to read: a small day is not worth many threads.
    ///   - keepsOrder: whether rows without an ORDER BY keep the order of what was read.
    ///   - extensions: with one, no statement of a person may be run.
    func duckdb(
        input: Int64? = nil, keepsOrder: Bool = true, extensions: [DuckDB.Extension] = []
    ) throws -> DuckDB {
        var memory: Int64?
        if let text = string("memory") {
            memory = ByteAmount.parse(text)
            guard let memory, memory >= 64 << 20 else {
                throw TaskFailure(
                    "memory is '\(text)'; it must be at least 64MiB, written like 512MB or 2GiB", mayRetry: false)
            }
        }
        let threads = with["threads"]?.integer
        if let threads, !(1...1024).contains(threads) {
            throw TaskFailure("threads is \(threads); it must be a number from 1 to 1024", mayRetry: false)
        }
        return try DuckDB(
            home: home, allowed: lake.readable, temporary: lake.staging + "/duckdb",
            limits: .init(
                memory: memory ?? Self.quarterOfMemory, threads: threads.map(Int.init) ?? input.map(Self.threads)),
            keepsOrder: keepsOrder, remote: lake.remote, extensions: extensions)
    }

    /// A thread for each so many bytes of compressed data takes about a second.
    private static let bytesForAThread: Int64 = 16 << 20

    private static func threads(for bytes: Int64) -> Int {
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return min(cores, Int(clamping: bytes / bytesForAThread) + 1)
    }

    /// Tasks run beside each other: one must not count on all the memory that there is.
    private static var quarterOfMemory: Int64 {
        let bytes = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
        return max(bytes / 4, 256 << 20)
    }
}
