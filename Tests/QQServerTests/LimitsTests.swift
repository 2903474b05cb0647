import NIOCore
import QQHub
import QQTestSupport
import Testing

@testable import QQServer

@Suite("limits of who may be there") struct LimitsTests {
  @Test("they are what qq-security(7) says")
  func numbers() {
    let (small, large) = (ConnectionLimits(connections: 4_000), ConnectionLimits(connections: 1_000_000))
    #expect((small.strangers, small.sourceStrangers) == (500, 125))
    #expect((large.strangers, large.sourceStrangers) == (1_024, 256))
    #expect((large.sessions.user, large.sessions.owners) == (64, 16))
    #expect(large.sessions.source == large.sessions.total / 4)
    let hub = HubConfiguration(name: "hub", instance: 1)
    #expect(hub.newcomers == RateLimit(burst: 10_000, hourly: 10_000))
    #expect(hub.joins == RateLimit(burst: 1_000, hourly: 3_600))
    let server = ServerConfiguration(listen: [], tls: nil, hub: hub)
    #expect(server.waitingBytes == 256 << 20)
    #expect(server.greetingTime == .seconds(10))
  }

  @Test("who meets one is told, it is in the log, and counted by its reason")
  func told() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve(
        "--plaintext", "--metrics", "0", program: ["/bin/sh", "-c", "ulimit -n 512; exec \"$0\" \"$@\""])
      // One guest, on more connections than a user has.
      var connections: [RawConnection] = []
      for _ in 0..<64 { connections.append(try await hub.guest("mallory")) }
      let refused = try hub.connection()
      let answer = await refused.answer(to: "{\"type\":\"hello\",\"protocol\":1,\"nick\":\"mallory\"}")
      #expect(answer?["code"] == "too_many_sessions")
      try await hub.process.complaint("\"code\":\"too_many_sessions\"")
      // Strangers who only hold a place: the oldest goes for the newest, and a user comes in at once.
      var strangers: [RawConnection] = []
      for _ in 0..<60 { strangers.append(try hub.connection()) }
      #expect(try await scene.run("who", nick: "alice").status == 0)
      #expect(await strangers[0].isClosed())
      let address = try #require(hub.ready["metrics"])
      let metrics = try RawConnection(port: Int(address.split(separator: ":").last ?? "") ?? 0)
      metrics.write("GET /metrics HTTP/1.1\r\nHost: hub\r\n\r\n")
      var counted = 0.0
      while let line = await metrics.line()?.text {
        let start = "qq_refused_total{reason=\"too_many_sessions\"} "
        if line.hasPrefix(start) { counted = Double(line.dropFirst(start.count).filter { $0 != "\r" }) ?? 0 }
      }
      // The 65th session, and strangers.
      #expect(counted >= 2)
      #expect(connections.count == 64)
    }
  }
}
