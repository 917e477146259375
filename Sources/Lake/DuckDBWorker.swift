import Glibc
import JSONText
import Spawn

/// A DuckDB process that answers one query after another. It reads what is held for queries and nothing else, and ends with
/// this value.
struct DuckDBWorker: ~Copyable {
    /// Why it gave no answer.
    enum Failure: Error {
        /// DuckDB's words about the statements.
        case refused(LakeError)
        case late, tooLarge
        /// The process has ended, or says what nobody understands.
        case broken(LakeError)
    }

    private let scratch: QueryScratch
    /// When what it knows of S3 may have expired; nil: never.
    private let expires: ContinuousClock.Instant?

    /// Keys of a machine's role are good for some minutes longer at the least.
    private static let credentialsLast = Duration.seconds(240)

    /// Whether its keys may be too old by now.
    var isExpired: Bool { expires.map { ContinuousClock.now > $0 } ?? false }

    private var program: Companion
    /// Whether it may go on after what it has said.
    private(set) var isSound = true

    /// The number of its process.
    var pid: Int32 { program.pid }

    /// Where it may write an answer that is a file.
    var answerFile: String { scratch.path + "/answer" }

    /// Questions of many are not to hold up the scheduler (nice(1)).
    private static let lowPriority = File.exists("/usr/bin/nice") ? ["/usr/bin/nice", "-n", "10"] : []
    /// A start takes some ten milliseconds; on a machine that is very busy, longer.
    private static let startMicroseconds: Int64 = 30_000_000

    /// - Parameter files: the folder of what queries may read.
    init(home: String, files: String, limits: DuckDB.Limits, duckdb given: String?, remote: RemoteLake?) throws {
        let scratch = try QueryScratch()
        let duckdb = try DuckDB(
            home: home, allowed: [files, scratch.path], temporary: scratch.path, limits: limits, program: given,
            remote: remote)
        let settings = try duckdb.settings()
        var program: Companion
        do {
            program = try Companion(
                Self.lowPriority + duckdb.keeper + [duckdb.program, "-no-init", "-json", ":memory:"],
                environment: duckdb.environment,
                directory: home)
        } catch {
            throw LakeError("DuckDB: \(error)")
        }
        do throws(Failure) {
            try Self.prepare(&program, settings)
        } catch {
            switch error {
            case .refused(let words), .broken(let words): throw words
            case .late, .tooLarge: throw LakeError("DuckDB does not start")
            }
        }
        self.scratch = scratch
        expires = remote.map { _ in .now + Self.credentialsLast }
        self.program = program
    }

    private static func prepare(_ program: inout Companion, _ settings: String) throws(Failure) {
        func exchange(_ text: String) throws(Failure) -> [JSONNode] {
            try Self.exchange(&program, text, microseconds: startMicroseconds).last ?? []
        }
        // Held files have names that are never used again, so what is known of them stays true.
        _ = try exchange("SET parquet_metadata_cache = true;\n" + settings)
        // In its safe mode the program has no commands that reach the system. Entering it complains that the settings are
        // locked already.
        do throws(Failure) { _ = try exchange(".safe_mode\n") } catch {
            guard case .refused = error else { throw error }
        }
        let state = try exchange(
            """
            SELECT current_setting('lock_configuration') AS locked, current_setting('enable_external_access') AS open;

            """
        ).first
        guard state?["locked"]?.bool == true, state?["open"]?.bool == false else {
            throw .refused(
                LakeError("DuckDB: its settings cannot be locked; Weir is made for version \(DuckDB.version)"))
        }
    }

    /// Runs statements, a line each; the rows of the last one that gave any.
    mutating func ask(_ statements: [String], microseconds: Int64?) throws(Failure) -> [JSONNode] {
        let text = statements.joined(separator: "\n") + "\n"
        do throws(Failure) {
            return try Self.exchange(&program, text, microseconds: microseconds).last ?? []
        } catch {
            switch error {
            case .refused(let words):
                // After an error of its own DuckDB refuses everything, memory that ran out may be missed again, and its
                // folder may be gone.
                isSound = !["INTERNAL Error", "FATAL Error", "IO Error", "Out of Memory"].contains {
                    words.description.contains($0)
                }
            case .late, .tooLarge, .broken: isSound = false
            }
            throw error
        }
    }

    private static func exchange(
        _ program: inout Companion, _ text: String, microseconds: Int64?
    ) throws(Failure) -> [[JSONNode]] {
        // New for each exchange and known to nobody else, so that no value can look like it.
        let mark = "weir-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
        let reply: Companion.Reply
        do {
            reply = try program.exchange(
                Array("\(text).print \(mark)\n".utf8), mark: mark, limit: DuckDB.answerLimit, microseconds: microseconds
            )
        } catch {
            switch error {
            case .late: throw .late
            case .tooMuch: throw .tooLarge
            case .ended(let status): throw .broken(LakeError("DuckDB ended while it answered (\(status)); ask again"))
            }
        }
        guard reply.errors.isEmpty else { throw .refused(LakeError("DuckDB: \(DuckDB.words(reply.errors))")) }
        do { return try DuckDB.rows(reply.output) } catch { throw .broken(LakeError("\(error)")) }
    }
}
