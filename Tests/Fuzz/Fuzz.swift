import Glibc
import JSONText

@testable import Engine
@testable import HTTPServer
@testable import Lake
@testable import ObjectStore
@testable import SchedulerCore
@testable import Spawn
@testable import TaskKinds

/// Readers of what comes from outside, for libFuzzer (https://llvm.org/docs/LibFuzzer.html): each takes any bytes, and neither
/// traps nor breaks what it promises. scripts/fuzz.py builds and runs this; it is no part of Weir.
private enum Subject: String, CaseIterable {
    case json, dag, cron, duration, instant, template, condition, zone, bytes, manifest, index, record, spec, result,
        claim, output
    case xml, profile, location, filter, proxies, address

    // A promise that is broken ends the process, which libFuzzer takes for a find.
    private func check(_ holds: Bool, _ promise: String) {
        if !holds { fatalError("\(rawValue): \(promise)") }
    }

    func run(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        switch self {
        case .json:
            guard let document = try? JSONDocument(parsing: bytes) else { return }
            let written = Self.text(document.root)
            let again = (try? JSONDocument(parsing: written)).map { Self.text($0.root) }
            check(again == written, "what is written is read as the same")
        case .dag:
            let (dag, diagnostics) = DAGParser.parse(bytes, context: Self.context)
            check(dag != nil || !diagnostics.isEmpty, "a file is good, or something is said of it")
            for one in diagnostics {
                check(one.line >= 1 && one.column >= 1, "a diagnostic has a place")
                check(!one.message.contains(where: \.isNewline), "a diagnostic is one line")
            }
        case .cron:
            guard let cron = try? CronExpression(text) else { return }
            let table = Timetable(cron: cron, zone: Self.zurich)
            var now = Instant(seconds: 1_700_000_000)
            for _ in 0..<5 {
                let next = table.next(after: now)
                check(next > now, "the next tick is later")
                if next == .distantFuture { break }
                now = next
            }
            check(!table.meaning.isEmpty, "it has words")
        case .duration:
            guard let amount = TimeAmount(parsing: text) else { return }
            check(TimeAmount(parsing: "\(amount)") == amount, "what is written is read as the same")
        case .instant:
            guard let (instant, _) = Instant.parse(text, in: Self.zurich) else { return }
            check(Instant(rfc3339: "\(instant)") == instant, "what is written is read as the same")
        case .template: _ = try? Template(parsing: text)
        case .condition: _ = try? Condition(parsing: text)
        case .zone:
            guard let zone = Zone(name: "X", tzif: bytes) else { return }
            for seconds in [Int64(-3_000_000_000), 0, 1_700_000_000, 4_000_000_000] {
                _ = zone.instants(of: zone.civil(at: Instant(seconds: seconds)))
            }
        case .bytes: if let amount = ByteAmount.parse(text) { check(!ByteAmount.words(amount).isEmpty, "it has words") }
        case .manifest:
            guard let manifest = try? Manifest(parsing: bytes, "m") else { return }
            let written = manifest.json
            let again = try? Manifest(parsing: written, "m")
            check(again?.json == written, "what is written is read as the same")
        case .index: _ = try? RawIndex(parsing: bytes, "i", names: NameTable())
        case .record:
            guard let schema = Self.schema else { fatalError("run it in the project's folder") }
            guard let facts = bytes.withUnsafeBufferPointer({ Self.scanner?.scan($0) }) else { return }
            // The quick look and the thorough one agree.
            guard let checked = try? RecordValidator.check(bytes, schema) else {
                return check(false, "what the scanner takes the validator takes")
            }
            check(checked.eventTime.utf8.elementsEqual(bytes[facts.eventTime]), "both see the same time")
        case .spec: if let reader = try? FileReader(path: "s", parsing: bytes) { _ = try? AttemptSpec(reader) }
        case .result: if let reader = try? FileReader(path: "r", parsing: bytes) { _ = try? AttemptResult(reader) }
        case .claim:
            guard let identity = ProcessIdentity(json: bytes) else { return }
            check(ProcessIdentity(json: identity.json) == identity, "what is written is read as the same")
        case .output: _ = TaskOutput.read(bytes)
        case .xml: _ = XMLElements.read(bytes)
        case .profile: _ = SharedFile.section("default", in: text)
        case .location:
            guard let location = S3Location(text) else { return }
            check(S3Location("\(location)") == location, "what is written is read as the same")
        case .filter: _ = try? QueryFilter(parsing: text)
        case .proxies: _ = TrustedProxies([text])
        case .address: _ = ListenAddress(text)
        }
    }

    private static func text(_ node: JSONNode) -> String {
        var writer = JSONWriter()
        writer.node(node)
        return writer.text
    }

    private static let context = DAGValidationContext(
        kinds: TaskKindRegistry.all.map { $0.spec }, zone: { SystemZones.zone($0) })
    private static let zurich = SystemZones.zone("Europe/Zurich") ?? .utc
    private static let schema = try? RecordSchema(path: "dags/alpr/record_schema.json")
    nonisolated(unsafe) private static let scanner = schema.flatMap { RecordScanner($0) }
}

/// `WEIR_FUZZ_SUBJECT` names the reader.
private let subject: Subject = {
    let name = getenv("WEIR_FUZZ_SUBJECT").map { String(cString: $0) } ?? ""
    guard let subject = Subject(rawValue: name) else {
        fatalError("WEIR_FUZZ_SUBJECT is '\(name)'; one of \(Subject.allCases.map(\.rawValue).joined(separator: " "))")
    }
    return subject
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func weirFuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    subject.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
