import Glibc
import QQProtocol
import QQTestSupport
import Testing

/// `QQ_FUZZ_MINUTES` asks for more than a few seconds of each, `QQ_SEED` for what was tried before.
@Suite("a hub among hostile clients", .serialized) struct SocketFuzzTests {
  enum Kind: String, CaseIterable, Sendable {
    /// Everything is allowed; one thread does everything.
    case open
    /// Behind proxies, and with clients of the classic dialect, on several threads.
    case proxied
    /// Nobody comes in but who comes from where the pair is.
    case closed

    var options: [String] {
      switch self {
      case .open: ["--plaintext=lan", "--threads", "1"]
      case .proxied:
        ["--plaintext=lan", "--classic", "--trusted-proxy", "127.0.0.3/32", "--threads", "3", "--ephemeral"]
      case .closed: ["--plaintext=lan", "--classic", "--invite-only", "--admit", "127.0.0.2/32"]
      }
    }

    /// MiB that a hub may have at the most: the bounds of what waits for each of a dozen connections, the debug build, and
    /// the messages of one that keeps them in memory.
    var memory: Int { self == .proxied ? 400 + 256 : 400 }

    var sources: [String] { self == .proxied ? ["127.0.0.1", "127.0.0.3"] : ["127.0.0.1"] }

    /// What hostile clients are told at least, where they get anywhere. `sessions`: how many there were; in a short run
    /// on a busy machine chance may leave out what is rare.
    func answers(_ sessions: Int) -> [String] {
      if self == .closed { return ["error"] }
      let rare = ["sent", "message", "user", "file", "chunk"]
      return ["welcome", "error", "ok", "pong"] + (sessions < 2_000 ? [] : rare)
    }
  }

  private static let minutes = number("QQ_FUZZ_MINUTES")
  private static let seed = number("QQ_SEED").flatMap { UInt64(exactly: $0) } ?? .random(in: 1..<1_000_000_000)

  private static func number(_ name: String) -> Double? {
    getenv(name).flatMap { Double(String(cString: $0)) }
  }

  @Test(
    "it lives, delivers what others say once and in order, and keeps nothing of them when they are gone",
    arguments: Kind.allCases)
  func fuzz(_ kind: Kind) async throws {
    let duration = Duration.seconds((Self.minutes ?? 0.2) * 60 / Double(Kind.allCases.count))
    try await Scene.run { scene in
      let hub = try await scene.serve(options: kind.options)
      print("hostile clients, \(kind): QQ_SEED=\(Self.seed)")
      var fuzzer = HubFuzzer(
        port: Int(hub.port) ?? 0, process: hub.process.processID, seed: Self.seed, duration: duration,
        makeWire: try EmbeddedTLS.wires())
      fuzzer.sources = kind.sources
      let outcome = try await fuzzer.run { hub.process.isRunning }
      print("hostile clients, \(kind): \(outcome.summary)")
      let repetition = try outcome.report(kind, Self.seed, Self.minutes)
      #expect(outcome.violations == [], "\(repetition)\n\(hub.lastWords)")
      guard outcome.violations.isEmpty else { return }
      #expect(outcome.after?.peakMemory ?? .max < kind.memory)
      #expect(outcome.messages > 20)
      for answer in kind.answers(outcome.sessions) { #expect(outcome.answers[answer, default: 0] > 0, "\(answer)") }
      if kind == .closed { #expect(outcome.answers["welcome"] == nil) }
      hub.process.signal(SIGTERM)
      #expect(try await hub.process.end() == 0)
    }
  }

  /// What ended a hub once.
  private static let folder = #filePath.replacing("SocketFuzzTests.swift", with: "Hostile")
  private static let fixtures = files(in: folder)

  private static func files(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".session") { names.append(name) }
    }
    return names.sorted()
  }

  @Test("what ended a hub once doesn't any more", arguments: fixtures)
  func fixture(_ name: String) async throws {
    let bytes = Array(try TemporaryFolder.contents("\(Self.folder)/\(name)").utf8)
    let sessions = try #require(HostileSession.sessions(bytes))
    #expect(!sessions.isEmpty)
    try await Scene.run { scene in
      let hub = try await scene.serve(options: Kind.open.options)
      let wires = try EmbeddedTLS.wires()
      let start = ContinuousClock.now
      // What depends on the moment has several.
      for _ in 0..<5 where hub.process.isRunning {
        for session in sessions { _ = try? session.run(port: Int(hub.port) ?? 0, wires) }
      }
      let serves = try? await hub.serves()
      #expect(serves == true, "after \(ContinuousClock.now - start): \(hub.lastWords)")
      #expect(hub.process.isRunning)
      hub.process.signal(SIGTERM)
      #expect(try await hub.process.end() == 0)
    }
  }

  @Test("a session that was kept is the same when it is read again")
  func sessions() {
    let all = [
      HostileSession(
        source: "127.0.0.3",
        steps: [
          .raw([0x0a, 0xff]), .cut(17), .send(Array("{\"type\":\"x\"}\n".utf8), times: 20_000), .send([], times: 1),
          .answers(3, milliseconds: 100), .until("sent", milliseconds: 9), .deaf, .pause(milliseconds: 5), .finish,
          .reset,
        ]),
      HostileSession(user: 4, steps: [.send([0x0a, 0x0a], times: 1)]),
    ]
    #expect(HostileSession.sessions(Array("# why\n".utf8) + all.flatMap(\.bytes)) == all)
    #expect(HostileSession.sessions(Array("session 127.0.0.1 plain\nsend 1 5\nabc\n".utf8)) == nil)
    #expect(HostileSession.sessions(Array("reset\n".utf8)) == nil)
  }

  @Test("every field of every frame that a client may say is tried")
  func completeness() {
    for frame in FuzzCorpus.clientFrames {
      var writer = JSONWriter()
      frame.encode(into: &writer)
      let line = JSONLine(writer.bytes.dropLast())
      let type = line["type"] ?? ""
      let tried = HostileFrames.fields[type]
      #expect(tried != nil, "\(type)")
      #expect(line.keys.filter { $0 != "type" && tried?.contains($0) != true } == [], "\(type)")
    }
  }
}

extension Scene.Hub {
  /// Why it trapped, where it did, without what the runtime prints of registers and the like.
  fileprivate var lastWords: String {
    let error = process.standardError
    let words = ["atal error", "failed", "Simultaneous", "crashed", ".swift:", "runtime failure"]
    return error.split(separator: "\n").filter { line in words.contains { line.contains($0) } }.prefix(40)
      .joined(separator: "\n")
  }
}

extension HubFuzzer.Outcome {
  fileprivate var summary: String {
    let figures = after.map { ", left with \($0)" } ?? ""
    return "\(sessions) sessions, \(bytesWritten >> 10) KiB, \(messages) messages beside them, of which the last to "
      + "arrive took \(longestWait)\(figures)"
      + (brokenAfter.map { ", over after \($0)" } ?? "")
  }

  /// How to do it again. The last sessions of each client are kept where they can be tried as fixtures.
  fileprivate func report(_ kind: SocketFuzzTests.Kind, _ seed: UInt64, _ minutes: Double?) throws -> String {
    guard !violations.isEmpty else { return "" }
    var template = Array("/tmp/qq-hostile-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemFault("mkdtemp") }
    let folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    for (number, session) in suspects.enumerated() {
      let descriptor = Glibc.open("\(folder)/\(kind)-\(number).session", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
      let bytes = Array("# seed \(seed)\n".utf8) + session.bytes
      _ = write(descriptor, bytes, bytes.count)
      close(descriptor)
    }
    let time = minutes.map { "QQ_FUZZ_MINUTES=\($0) " } ?? ""
    let advice = """
      \(summary)
      Again: \(time)QQ_SEED=\(seed) swift test --skip-build --filter SocketFuzzTests
      The last sessions are in \(folder); one that fails by itself belongs into Tests/QQServerTests/Hostile.
      """
    print(advice)
    return advice
  }
}
