import Glibc
import JSONText
import Lake
import SchedulerCore
import Spawn

/// Apache Spark, by its own `spark-submit`: whatever cluster that is told of.
struct Spark {
    /// A SELECT whose rows become a folder of Parquet files, or a statement before them.
    struct Part {
        /// Of messages.
        let file: String
        let sql: String
        /// Where Spark makes a folder; nil for a statement.
        let folder: String?
    }

    /// What the SQL reads: the files of a day under one name.
    struct View {
        let name: String
        let files: [String]
        let bytes: Int64
        /// Of lines of JSON, in Spark's words; nil: it is Parquet.
        var schema: String?
    }

    /// The parameter that kinds with SQL have.
    static let engine = KindParameter(
        "engine", .string, allowed: ["duckdb", "spark"], default: "duckdb", help: "what runs the SQL")

    static func isWanted(_ context: TaskContext) -> Bool { context.string("engine", default: "duckdb") == "spark" }

    private let context: TaskContext
    private let program: String

    /// - Throws: when there is no Spark, or the lake is where it cannot read.
    init(_ context: TaskContext) throws {
        self.context = context
        guard context.lake.remote == nil else {
            throw TaskFailure(
                "engine is spark, and the lake is in S3: that is not supported yet; leave engine out, or keep the lake in a folder that all workers see",
                mayRetry: false)
        }
        if let home = TaskContext.environment("SPARK_HOME"), !home.isEmpty {
            program = home + "/bin/spark-submit"
            guard access(program, X_OK) == 0 else {
                throw TaskFailure("SPARK_HOME is '\(home)', and \(program) cannot be executed", mayRetry: false)
            }
        } else if let found = Tools.find("spark/bin/spark-submit", home: context.home) {
            program = found
        } else {
            throw TaskFailure(
                "engine is spark, and there is none: set SPARK_HOME, or run `make setup-spark`", mayRetry: false)
        }
    }

    /// An empty place that Spark's workers see, too.
    var place: String { context.lake.staging + "/spark" }

    /// Runs the parts, in order. What Spark says goes to the log.
    ///
    /// - Throws: with the first words of what was wrong.
    func run(_ parts: [Part], over view: View) throws {
        let folder = place
        if File.exists(folder) { try File.removeTree(folder) }
        try File.makeDirectory(folder, recursive: true)
        let (driver, plan, problem) = (folder + "/driver.py", folder + "/plan.json", folder + "/problem")
        try File.writeAtomically(driver, Array(SparkDriver.program.utf8))
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("ds", context.ds)
            writer.member("problem", problem)
            writer.member("files", view.bytes / Self.bytesOfAFile + 1)
            writer.member("view", view.name)
            writer.member("inputs", view.files)
            writer.member("schema", view.schema)
            writer.key("parts")
            writer.array { writer in
                for part in parts {
                    writer.object {
                        $0.member("file", part.file)
                        $0.member("sql", part.sql)
                        $0.member("folder", part.folder)
                    }
                }
            }
        }
        try File.writeAtomically(plan, writer.bytes)
        let done: ChildProcess.Result
        do {
            done = try ChildProcess.run(
                arguments + [driver, plan], environment: environment(folder), directory: context.home,
                output: .descriptor(1), errors: .descriptor(2))
        } catch {
            throw TaskFailure("spark-submit: \(error)", mayRetry: false)
        }
        guard !done.status.isSuccess else { return }
        let said = (try? File.read(problem)).map { String(decoding: $0, as: UTF8.self) }
        throw TaskFailure(
            said ?? "spark-submit: \(done.status); the log says why",
            mayRetry: done.status != .exited(SparkDriver.wrongSQL))
    }

    /// Moves the files of a folder that Spark has made to a staged partition; their paths, in the order of the rows.
    func take(_ made: String, to staged: String) throws -> [String] {
        let names = try File.list(made).filter { $0.hasSuffix(".parquet") }.sorted()
        return try names.enumerated().map { number, name in
            let path = staged + (names.count == 1 ? "/data.parquet" : "/data-\(number + 1).parquet")
            guard rename("\(made)/\(name)", path) == 0 else { throw SystemError("rename", path: path) }
            return path
        }
    }

    private static let bytesOfAFile: Int64 = 512 << 20

    /// Where and with what it runs is for Spark's own configuration: `spark.properties` of the home, or `SPARK_CONF_DIR`, or what
    /// stands in `SPARK_HOME`; without any of them all cores of this machine.
    private var arguments: [String] {
        let properties = context.home + "/spark.properties"
        let isConfigured = ["SPARK_CONF_DIR", "SPARK_HOME"].contains { TaskContext.environment($0) != nil }
        let place =
            File.exists(properties) ? ["--properties-file", properties] : isConfigured ? [] : ["--master", "local[*]"]
        // The meaning of SQL is not a matter of configuration.
        let meaning = ["spark.sql.session.timeZone=UTC", "spark.sql.ansi.enabled=true"]
        let logging = ["spark.ui.showConsoleProgress=false", "spark.log.level=WARN"]
        return [program] + place + ["--name", "weir \(context.lineage)"]
            + (meaning + logging).flatMap { ["--conf", $0] }
    }

    private func environment(_ folder: String) -> [String: String] {
        var environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": folder]
        let names = [
            "PATH", "JAVA_HOME", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "HADOOP_CONF_DIR", "YARN_CONF_DIR",
        ]
        for name in names {
            if let value = TaskContext.environment(name) { environment[name] = value }
        }
        // Of a virtual environment the interpreter, too.
        let python = File.parent(of: program) + "/python3"
        if File.exists(python) { environment["PYSPARK_PYTHON"] = python }
        return environment
    }
}
