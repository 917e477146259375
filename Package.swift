// swift-tools-version: 6.2
import PackageDescription

/// Every warning is an error, and imports say what they expose.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// What simulations run through millions of times: optimized in debug builds too, so that the suite can afford them.
let quick: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// A library of Weir. The arrows between them are drawn in docs/architecture.md and checked by `make lint`.
func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
    _ subject: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [],
    settings: [SwiftSetting] = strict
) -> Target {
    .testTarget(name: subject + "Tests", dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"]),
        .executable(name: "weir-supervise", targets: ["weir-supervise"]),
    ],
    targets: [
        // C libraries and system calls that Swift cannot reach by itself.
        .target(name: "CPosix"),
        .target(name: "CDigest", linkerSettings: [.linkedLibrary("crypto")]),
        // libcurl is loaded when it is needed: see Sources/CCurl.
        .target(name: "CCurl"),
        .target(name: "CExpat", linkerSettings: [.linkedLibrary("expat")]),
        .target(name: "CZstd", linkerSettings: [.linkedLibrary("zstd")]),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CSodium", linkerSettings: [.linkedLibrary("sodium")]),
        .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),
        // The files of the page, by #embed of C23.
        .target(name: "CWeb", exclude: ["assets"], cSettings: [.unsafeFlags(["-std=c23"])]),
        .target(name: "CMicroHTTPD", linkerSettings: [.linkedLibrary("microhttpd")]),

        library("JSONText", settings: quick),
        library("SchedulerCore", ["JSONText"], settings: quick),
        library("Observability", ["JSONText"]),
        library("Spawn", ["JSONText", "CPosix", "CDigest"]),
        library("Store", ["SchedulerCore"], settings: quick),
        library("Simulation", ["Store", "SchedulerCore", "JSONText"], settings: quick),
        library("SQLite", ["Store", "CSQLite"]),
        library("SQLiteStore", ["SQLite", "Store", "SchedulerCore", "JSONText", "CSQLite"]),
        library("Access", ["SQLite", "Store", "SchedulerCore", "CSodium"]),
        library("Engine", ["Store", "Spawn", "SchedulerCore", "Observability", "JSONText", "CPosix"]),
        library("Lake", ["ObjectStore", "Spawn", "SchedulerCore", "JSONText", "CPosix", "CZstd"]),
        library("ObjectStore", ["Spawn", "JSONText", "CCurl", "CExpat"]),
        library("Mail", ["Spawn"]),
        library("TaskKinds", ["Lake", "Mail", "Spawn", "SchedulerCore", "Observability", "JSONText"]),
        library("HTTPServer", ["CMicroHTTPD", "CZlib", "CZstd"]),
        library("Web", ["HTTPServer", "CWeb"]),
        library(
            "API",
            ["Access", "HTTPServer", "Engine", "Lake", "TaskKinds", "Spawn", "Store", "SchedulerCore", "JSONText"]),
        library(
            "Commands",
            [
                "API", "Access", "Engine", "Lake", "Mail", "ObjectStore", "Simulation", "SQLiteStore", "Store",
                "TaskKinds", "Spawn",
                "SchedulerCore", "Web",
                "Observability", "JSONText", "CPosix",
            ]),

        .executableTarget(name: "weir", dependencies: ["Commands"], swiftSettings: strict),
        .executableTarget(
            name: "weir-supervise", dependencies: ["Spawn"], swiftSettings: strict,
            // Static: such a program starts in a millisecond, a tenth of a dynamic one. See docs/decisions/0002.
            // The sanitizers' runtimes have no static form.
            linkerSettings: Context.environment["WEIR_SANITIZE"] == nil ? [.unsafeFlags(["-static-executable"])] : []),

        // Figures of the core, for `swift run -c release core-bench`. No part of Weir.
        .executableTarget(
            name: "core-bench", dependencies: ["SchedulerCore", "SQLiteStore", "Store"], path: "Benchmarks/Core",
            swiftSettings: strict),

        tests("JSONText", ["JSONText"]),
        tests("SchedulerCore", ["SchedulerCore", "JSONText"]),
        tests("Spawn", ["Spawn", "JSONText", "CPosix"]),
        tests("Store", ["Store", "SQLite", "SQLiteStore", "SchedulerCore", "CSQLite"]),
        tests("Access", ["Access", "SQLite", "Store", "SchedulerCore"]),
        tests("Simulation", ["Simulation", "Engine", "Spawn", "Store", "SchedulerCore", "JSONText"], settings: quick),
        tests(
            "Engine", ["Engine", "Simulation", "Store", "SQLite", "SQLiteStore", "Spawn", "SchedulerCore", "JSONText"]),
        tests("Lake", ["Lake", "ObjectStore", "TaskKinds", "Engine", "Spawn", "SchedulerCore", "JSONText"]),
        tests("ObjectStore", ["ObjectStore", "Spawn", "JSONText"], exclude: ["s3_server.py"]),
        tests("Mail", ["Mail", "Spawn", "JSONText"]),
        tests(
            "HTTPServer",
            ["HTTPServer", "Access", "API", "Engine", "Lake", "Spawn", "Store", "SchedulerCore", "JSONText"]),
        tests("EndToEnd", ["ObjectStore", "Spawn", "JSONText"]),
        tests(
            "Commands",
            [
                "Commands", "Access", "Lake", "ObjectStore", "Engine", "SQLiteStore", "Store", "SchedulerCore", "Spawn",
                "JSONText",
            ],
            exclude: ["Snapshots"]),
    ],
    swiftLanguageModes: [.v6]
)

// `make fuzz` builds this, with libFuzzer, and nothing else does: it has a `main` of libFuzzer's.
if Context.environment["WEIR_FUZZ"] == "1" {
    package.targets.append(
        .executableTarget(
            name: "weir-fuzz",
            dependencies: [
                "Engine", "HTTPServer", "Lake", "ObjectStore", "SchedulerCore", "Spawn", "TaskKinds", "JSONText",
            ],
            path: "Tests/Fuzz", exclude: ["corpus"], swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
