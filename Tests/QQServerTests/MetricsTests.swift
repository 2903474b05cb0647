import Glibc
import QQHub
import QQJournal
import QQTestSupport
import Testing

@testable import QQServer

@Suite("how a hub is doing") struct MetricsTests {
  private func committed(_ records: [Record]) -> [Committed] {
    records.enumerated().map { Committed(seq: Int64($0.offset + 1), record: $0.element) }
  }

  @Test("a commit took from its append until its last record came back, however they come")
  func commits() {
    var metrics = HubMetrics()
    metrics.appended(3, at: 10)
    metrics.appended(1, at: 10.5)
    metrics.committed(committed([.message(1), .message(2)]), at: 10.002)
    #expect(metrics.commits.count == 0)
    metrics.committed(committed([.message(3), .join(1, "ops", at: 0)]), at: 11)
    #expect(metrics.commits.count == 2)
    #expect(metrics.commits.sum == 1.5)
    // 1 s and 0.5 s: both are no longer than a second, one than half of one.
    #expect(metrics.commits.counts.suffix(4) == [1, 2, 2, 2])
    #expect(metrics.messages == 3)
    // Replayed at a start: appended by a process that is gone.
    metrics.committed(committed([.message(4)]), at: 12)
    #expect(metrics.commits.count == 2)
  }

  @Test("lines are counted by their ends", arguments: [("", 0), ("a", 0), ("a\n", 1), ("\n\n", 2), ("a\nb\nc", 2)])
  func lines(_ text: String, _ count: Int) {
    #expect(Array(text.utf8).withUnsafeBytes(HubMetrics.lines) == count)
  }

  @Test("the text is what Prometheus reads")
  func text() {
    var metrics = HubMetrics()
    metrics.delivered(lines: 2, bytes: 100, to: 3)
    var status = HubStatus()
    status.sessions = 5
    let text = metrics.text(status, refusals: ["quota": 1, "guest": 2], memory: 7, started: 1.5)
    for line in [
      "# TYPE qq_sessions gauge", "qq_sessions 5", "qq_deliveries_total 6", "qq_delivered_bytes_total 300",
      "qq_refused_total{reason=\"guest\"} 2", "qq_refused_total{reason=\"quota\"} 1",
      "qq_commit_seconds_bucket{le=\"+Inf\"} 0", "qq_commit_seconds_count 0", "process_resident_memory_bytes 7",
    ] {
      #expect(text.contains(line + "\n"), "\(line)")
    }
    let names = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " && $0 != "{" } }
    for name in Set(names) where !name.hasPrefix("qq_commit_seconds") {
      #expect(text.contains("# HELP \(name) ") && text.contains("# TYPE \(name) "), "\(name)")
    }
  }

  /// The status line and the body of an answer.
  private func get(_ port: Int, _ request: String) async throws -> (String, [String]) {
    let connection = try RawConnection(port: port)
    connection.write("\(request) HTTP/1.1\r\nHost: hub\r\n\r\n")
    var lines: [String] = []
    while let line = await connection.line() { lines.append(line.text.replacing("\r", with: "")) }
    return (lines.first ?? "", Array(lines.drop { $0 != "" }.dropFirst()))
  }

  @Test("it is asked over HTTP, counts what happens, and says nothing of who or what")
  func http() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--metrics", "0")
      let address = try #require(hub.ready["metrics"])
      #expect(address.hasPrefix("127.0.0.1:"))
      let port = Int(address.split(separator: ":").last ?? "") ?? 0
      #expect(try await get(port, "GET /health") == ("HTTP/1.1 200 OK", ["ok"]))
      let bob = try await scene.listen("bob")
      for text in ["classified", "secret"] {
        #expect(try await scene.run("send", "bob", text, nick: "alice").status == 0)
        _ = try await bob.line()
      }
      #expect(try await scene.run("send", "nobody", "x", nick: "alice").status == 67)
      let (status, lines) = try await get(port, "GET /metrics")
      #expect(status == "HTTP/1.1 200 OK")
      func value(_ name: String) -> Double? {
        lines.first { $0.hasPrefix(name + " ") }.flatMap { Double($0.dropFirst(name.count + 1)) }
      }
      #expect(value("qq_messages_total") == 2)
      #expect(value("qq_deliveries_total") == 2)
      #expect(value("qq_readers") == 1)
      #expect(value("qq_readers_behind") == 0)
      #expect(value("qq_refused_total{reason=\"unknown_target\"}") == 1)
      #expect(value("qq_commit_seconds_count") ?? 0 >= 4)
      #expect(value("process_resident_memory_bytes") ?? 0 > 1_000_000)
      for secret in ["classified", "secret", "alice", "bob"] { #expect(!lines.contains { $0.contains(secret) }) }
      #expect(try await get(port, "GET /").0 == "HTTP/1.1 404 Not Found")
      #expect(try await get(port, "POST /metrics").0 == "HTTP/1.1 405 Method Not Allowed")
      #expect(try await get(port, "nonsense").0.hasPrefix("HTTP/1.1 400"))
      #expect(try await get(port, "GET /health") == ("HTTP/1.1 200 OK", ["ok"]))
    }
  }

  @Test("it has 64 connections at once: who holds them takes nothing from users, and one more is closed")
  func connections() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--metrics", "0")
      let port = Int(try #require(hub.ready["metrics"]).split(separator: ":").last ?? "") ?? 0
      var held: [RawConnection] = []
      for _ in 0..<64 { held.append(try RawConnection(port: port)) }
      // They are taken in their order.
      let extra = try RawConnection(port: port)
      #expect(await extra.line() == nil)
      #expect(try await scene.run("who", nick: "alice").status == 0)
      for connection in held { connection.close() }
      var status = ""
      for _ in 0..<100 where status != "HTTP/1.1 200 OK" { status = (try? await get(port, "GET /health").0) ?? "" }
      #expect(status == "HTTP/1.1 200 OK")
    }
  }
}
