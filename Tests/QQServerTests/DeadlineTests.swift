import Logging
import NIOCore
import QQHub
import QQIdentity
import QQJournal
import QQProtocol
import QQServer
import QQSpool
import QQTestSupport
import Testing

/// A hub within this process, with a time limit that tests can wait for.
@Suite("a peer that stays silent") struct DeadlineTests {
  private func hub(_ greetingTime: TimeAmount, _ body: (Int) async throws -> Void) async throws {
    let folder = try TemporaryFolder()
    let identity = try Identity.loadOrCreate(folder.path + "/hub.key", commonName: "qq hub")
    var settings = HubConfiguration(name: "test", instance: 1)
    settings.plaintext = .loopback
    var configuration = ServerConfiguration(
      listen: [("127.0.0.1", 0)], tls: TLSSettings.server(identity: identity), hub: settings)
    configuration.greetingTime = greetingTime
    let server = try await HubServer.start(
      configuration, journal: MemoryJournal(epoch: "e", capacity: 1 << 20),
      spool: try Spool(folder.path + "/spool") { _ in }, logger: Logger(label: "test"),
      onFailure: { _ in })
    do {
      try await body(server.addresses.first?.port ?? 0)
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  @Test(
    "is closed when its time is up, wherever it stopped",
    arguments: [
      [], Array("{".utf8), Array("{\"type\":\"hello\",".utf8), Array("{\"type\":\"ping\"".utf8),
      [0x16], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03],
    ] as [[UInt8]])
  func closed(_ start: [UInt8]) async throws {
    try await hub(.milliseconds(300)) { port in
      let peer = try RawConnection(port: port)
      peer.write(start)
      #expect(await peer.isClosed())
      #expect(await peer.line() == nil)
    }
  }

  @Test("has all the time it wants once it was welcomed")
  func welcomed() async throws {
    try await hub(.milliseconds(300)) { port in
      let peer = try RawConnection(port: port)
      peer.write("{\"type\":\"hello\",\"protocol\":1}\n")
      #expect(await peer.line()?["type"] == "welcome")
      let other = try RawConnection(port: port)
      #expect(await other.isClosed())
      peer.write("{\"type\":\"ping\",\"ref\":1}\n")
      #expect(await peer.line()?["type"] == "pong")
    }
  }

  @Test("and leaves is gone at once")
  func left() async throws {
    try await hub(.hours(1)) { port in
      for start in [[], [0x16, 0x03], Array("{\"type\"".utf8)] as [[UInt8]] {
        let peer = try RawConnection(port: port)
        peer.write(start)
        peer.endWriting()
        #expect(await peer.isClosed())
      }
    }
  }
}
