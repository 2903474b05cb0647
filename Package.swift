// swift-tools-version: 6.2
import PackageDescription

/// What every target is built with.
let common: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

/// The pure modules are optimised in debug builds too: the simulation runs thousands of worlds through them and the
/// fuzzer a million lines, in the ordinary test run.
let pure: [SwiftSetting] = common + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// A Swift program has some 70,000 places that hold addresses of itself. Packed they cost a short command half a
/// millisecond less at its start, as do symbols that nobody looks up.
let quickStart: [LinkerSetting] = [
  .unsafeFlags(
    ["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker", "--no-export-dynamic"],
    .when(configuration: .release))
]

/// Only the chat needs it, and loading it takes every command a millisecond: in a release it is linked in.
let readline: [LinkerSetting] = [
  .linkedLibrary("readline", .when(configuration: .debug)),
  .unsafeFlags(
    ["-Xlinker", "-l:libreadline.a", "-Xlinker", "-l:libtinfo.a"], .when(configuration: .release)),
]

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

let package = Package(
  name: "qq",
  products: [
    .executable(name: "qq", targets: ["qq"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  ],
  targets: [
    .executableTarget(name: "qq", dependencies: ["QQCommands"], swiftSettings: common, linkerSettings: quickStart),
    .target(
      name: "QQCommands",
      dependencies: [
        "QQServer", "QQChat", "QQClient", "QQHub", "QQSpool", "QQJournal", "QQJournalSQLite", "QQTransport",
        "QQIdentity", "QQProtocol", "CLinux",
        arguments, crypto, logging, nio, nioSSL, deque,
      ],
      swiftSettings: common),
    .target(
      name: "QQChat", dependencies: ["QQClient", "QQIdentity", "QQProtocol", "CReadline", deque],
      swiftSettings: common),
    .target(
      name: "QQClient",
      dependencies: [
        "QQTransport", "QQIdentity", "QQProtocol", "CLinux", nio, nioPosix, nioSSL, deque,
        .product(name: "NIOTLS", package: "swift-nio"),
      ],
      swiftSettings: common),
    .target(
      name: "QQServer",
      dependencies: [
        "QQHub", "QQJournal", "QQSpool", "QQTransport", "QQIdentity", "QQProtocol", nio, nioPosix, nioSSL, nioHTTP,
        logging,
        deque,
        .product(name: "NIOTLS", package: "swift-nio"),
      ],
      swiftSettings: common),
    .target(name: "QQHub", dependencies: ["QQJournal", "QQProtocol", deque, heap], swiftSettings: pure),
    .target(name: "QQSpool", dependencies: ["QQHub", "QQProtocol", "CLinux", nioPosix, deque], swiftSettings: common),
    .target(name: "QQJournal", dependencies: ["QQProtocol", deque], swiftSettings: pure),
    .target(
      name: "QQJournalSQLite", dependencies: ["QQJournal", "QQProtocol", "CLinux", "CSQLite"], swiftSettings: common),
    .target(
      name: "QQTransport", dependencies: ["QQProtocol", nio, nioPosix, nioSSL], swiftSettings: common),
    .target(name: "QQIdentity", dependencies: ["QQProtocol", crypto, x509, asn1, nioSSL], swiftSettings: common),
    .target(name: "QQProtocol", dependencies: [crypto], swiftSettings: pure),
    .target(name: "CLinux"),
    .target(name: "CReadline", linkerSettings: readline),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

    .target(
      name: "QQTestSupport",
      dependencies: ["QQJournal", "QQHub", "QQClient", "QQProtocol"], swiftSettings: pure),
    .target(name: "QQManual", swiftSettings: common),
    .executableTarget(name: "qq-manual", dependencies: ["QQManual"], swiftSettings: common),
    .executableTarget(
      name: "qq-bench", dependencies: [arguments, crypto, x509, asn1], swiftSettings: common),

    .testTarget(name: "QQProtocolTests", dependencies: ["QQProtocol", "QQTestSupport"], swiftSettings: common),
    .testTarget(
      name: "QQHubTests", dependencies: ["QQClient", "QQHub", "QQJournal", "QQProtocol", "QQTestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "QQJournalTests", dependencies: ["QQJournal", "QQProtocol", "QQTestSupport"], swiftSettings: common),
    .testTarget(
      name: "QQJournalSQLiteTests", dependencies: ["QQJournalSQLite", "QQJournal", "QQProtocol", "QQTestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "QQSpoolTests", dependencies: ["QQSpool", "QQHub", "QQProtocol", "QQTestSupport"], swiftSettings: common),
    .testTarget(name: "QQSimulationTests", dependencies: ["QQTestSupport"], swiftSettings: common),
    .testTarget(
      name: "QQIdentityTests", dependencies: ["QQIdentity", "QQProtocol", nio, nioPosix, nioTLS, nioSSL],
      swiftSettings: common),
    .testTarget(
      name: "QQClientTests", dependencies: ["QQClient", "QQIdentity", "QQProtocol", "QQTestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "QQChatTests", dependencies: ["QQChat", "QQClient", "QQProtocol", "QQTestSupport"], swiftSettings: common),
    .testTarget(
      name: "QQServerTests",
      dependencies: [
        "qq", "QQServer", "QQClient", "QQHub", "QQSpool", "QQJournal", "QQIdentity", "QQProtocol", "QQTransport",
        "QQTestSupport", logging, nio, nioSSL, nioTLS, nioHTTP, nioEmbedded,
      ],
      exclude: ["Hostile"], swiftSettings: common),
    .testTarget(
      name: "QQEndToEndTests",
      dependencies: ["qq", "QQManual", "QQClient", "QQIdentity", "QQTestSupport", "QQProtocol"], swiftSettings: common),
    .testTarget(
      name: "QQCommandsTests", dependencies: ["QQCommands", "QQClient", "QQProtocol", "QQTestSupport"],
      swiftSettings: common),
  ]
)
