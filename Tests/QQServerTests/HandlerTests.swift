import Foundation
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOTLS
import QQHub
import QQIdentity
import QQJournal
import QQProtocol
import QQSpool
import QQTestSupport
import QQTransport
import Testing

@testable import QQClient
@testable import QQServer

/// Channel handlers whose neighbours come back into them: within a write, a flush, or what they hand on.
@Suite("channel handlers") struct HandlerTests {
  private let loop = EmbeddedEventLoop()

  private func text(_ buffers: [ByteBuffer]) -> String { buffers.map(String.init(buffer:)).joined() }

  /// How what comes in is cut.
  private func feed(_ channel: EmbeddedChannel, _ bytes: [UInt8], by size: Int) {
    for start in stride(from: 0, to: bytes.count, by: size) {
      channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + size)]))
    }
  }

  @Test("who hands on what came first keeps its order, whatever comes within that", arguments: [1, 3, 1_000])
  func dialect(_ size: Int) throws {
    for deed in ReaderDeed.allCases {
      let reader = ContraryReader<ByteBuffer>(deed, Array("more\n".utf8))
      var dialects: [Dialect] = []
      let handler = DialectHandler { dialect, channel in
        dialects.append(dialect)
        try channel.pipeline.syncOperations.addHandler(reader)
      }
      let channel = EmbeddedChannel(handler: handler, loop: loop)
      feed(channel, Array("{first\n".utf8), by: size)
      loop.run()
      #expect(dialects == [.plaintext])
      let heard = text(reader.heard)
      #expect(heard.replacing("more\n", with: "") == "{first\n", "\(deed)")
      #expect(heard.hasPrefix("{"))
      let comesBack = deed == .reads || deed == .readsAndEnds
      #expect(
        heard.split(separator: "more\n", omittingEmptySubsequences: false).count == (comesBack ? 4 : 1), "\(deed)")
      _ = try? channel.finish()
    }
  }

  @Test("a pipeline that can't be built ends, and takes nothing more")
  func unbuilt() {
    let dialect = EmbeddedChannel(handler: DialectHandler { _, _ in throw ChannelError.alreadyClosed }, loop: loop)
    feed(dialect, Array("{a}{b}\n".utf8), by: 1)
    loop.run()
    #expect(!dialect.isActive)
    let proxy = EmbeddedChannel(
      handler: ProxyHandler { _, _ in
        throw ChannelError.eof
      } refuse: { _ in
      }, loop: loop)
    feed(proxy, Self.header + Array("more".utf8), by: 1)
    loop.run()
    #expect(!proxy.isActive)
  }

  /// Of version 2, for the proxy itself.
  private static let header: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x20, 0, 0, 0,
  ]

  @Test("behind a PROXY header comes what came behind it, once and in order", arguments: [1, 5, 1_000])
  func proxy(_ size: Int) throws {
    for deed in ReaderDeed.allCases {
      let reader = ContraryReader<ByteBuffer>(deed, Array("more\n".utf8))
      var refused = 0
      let handler = ProxyHandler { _, channel in
        try channel.pipeline.syncOperations.addHandler(reader)
      } refuse: { _ in
        refused += 1
      }
      let channel = EmbeddedChannel(handler: handler, loop: loop)
      feed(channel, Self.header + Array("first\n".utf8), by: size)
      loop.run()
      #expect(text(reader.heard).replacing("more\n", with: "") == "first\n", "\(deed)")
      #expect(refused == 0)
      _ = try? channel.finish()
    }
    var refused = 0
    let wrong = EmbeddedChannel(
      handler: ProxyHandler { _, _ in
      } refuse: { _ in
        refused += 1
      }, loop: loop)
    feed(wrong, Array("GET / HTTP/1.1\r\n".utf8), by: size)
    #expect(refused == 1 && !wrong.isActive)
  }

  @Test("a client of the original mini QQ may do anything within a write", arguments: [true, false])
  func classic(atWrite: Bool) throws {
    let said = Array(#"{"type":"1","to":"@all","msg":"hi"}{"type":"5"}{"type":"9"}"#.utf8)
    for deed in ContraryChannel.Deed.allCases {
      for input in [said, Array("{".utf8), Array("nonsense".utf8)] {
        let handler = ClassicHandler(ClassicTranslator(hub: "10.0.0.1", nick: "classic"), gap: .zero) {
          MessageID(high: 1, low: 1)
        }
        let lines = ContraryReader<ByteBuffer>(.nothing, [])
        let channel = EmbeddedChannel(
          handlers: [ContraryChannel(deed, input, atWrite: atWrite), handler, lines], loop: loop)
        handler.start()
        loop.run()
        #expect(text(lines.heard).hasPrefix("{\"type\":\"hello\""))
        // Through the pipeline, as the connection writes it, several in one.
        let texts = (0..<50).map { number in
          let from = number % 2 == 0 ? "bob" : "eve"
          return "{\"type\":\"message\",\"id\":\"0000000000000000000000000\(number % 10)\",\"seq\":\(number + 1),"
            + "\"time\":\"2026-11-23T08:15:02.113Z\",\"from\":\"\(from)\",\"address\":\"10.0.0.\(number % 2)\","
            + "\"to\":[\"@all\"],\"text\":\"text \(number)\"}\n"
        }
        let welcome =
          "{\"type\":\"welcome\",\"protocol\":1,\"hub\":\"h\",\"epoch\":\"e\",\"nick\":\"classic\","
          + "\"address\":\"10.0.0.9\",\"seq\":0}\n"
        channel.writeAndFlush(ByteBuffer(string: welcome + texts.joined() + "{\"type\":\"nothing\"}\n"), promise: nil)
        loop.run()
        channel.writeAndFlush(ByteBuffer(string: "not a line"), promise: nil)
        loop.run()
        var written = ""
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { written += String(buffer: buffer) }
        if deed == .stopsTaking || deed == .halfCloses || deed == .reads && input.first == UInt8(ascii: "{") {
          #expect(written.contains("text 0") && written.contains("text 49"), "\(deed)")
        }
        _ = try? channel.finish()
      }
    }
  }

  @Test("whoever asks for metrics may do anything within the answer", arguments: [true, false])
  func metrics(atWrite: Bool) async throws {
    let folder = try TemporaryFolder()
    let port = LoopPort(loop: loop, isHubs: true, waiting: WaitingBytes(limit: .max))
    let journal = MemoryJournal(epoch: "epoch")
    let runner = HubRunner(
      hub: Hub(HubConfiguration(name: "hub", instance: 1), journal.load()), journal: journal, store: journal,
      spool: try Spool(folder.path + "/spool") { _ in }, backups: nil, loop: loop, ports: [port],
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onFailure: { _ in })
    let request = Array("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
    for deed in ContraryChannel.Deed.allCases {
      let channel = EmbeddedChannel(handler: ContraryChannel(deed, request, atWrite: atWrite), loop: loop)
      try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
      try channel.pipeline.syncOperations.addHandler(MetricsAnswer(runner))
      channel.pipeline.fireChannelRead(ByteBuffer(bytes: request + request + Array("POST / HTTP/1.1\r\n\r\n".utf8)))
      loop.run()
      let answer = try channel.readOutbound(as: ByteBuffer.self).map(String.init(buffer:))
      #expect(answer?.hasPrefix("HTTP/1.1 200 OK\r\n") == true, "\(deed)")
      #expect(!channel.isActive)
      _ = try? channel.finish()
    }
  }

  @Test("a client reads each line once and in order, and nothing behind a wrong one", arguments: [1, 10_000])
  func hubLines(_ size: Int) throws {
    let hash = Digest(of: Array("abc".utf8))
    let whole =
      "{\"type\":\"pong\",\"ref\":1}\n{\"type\":\"chunk\",\"offset\":0,\"size\":3,\"hash\":\"\(hash)\"}\nabc"
      + "{\"type\":\"pong\",\"ref\":2}\n"
    for deed in ReaderDeed.allCases {
      for wrong in ["[1]\n", String(repeating: "x", count: 2 << 20)] {
        let seen = SeenKey()
        let reader = ContraryReader<[HubLine]>(deed, Array("{\"type\":\"pong\",\"ref\":9}\n".utf8))
        let channel = EmbeddedChannel(handlers: [HubLineHandler(seen), reader], loop: loop)
        feed(channel, Array((whole + wrong + whole).utf8), by: wrong.utf8.count > 1_000 ? max(size, 5_000) : size)
        loop.run()
        let lines = reader.heard.joined()
        let own = lines.filter { $0.frame != .pong(ref: 9) }
        #expect(own.map(\.raw.count) == [0, 3, 0] && own.last?.frame == .pong(ref: 2), "\(deed)")
        #expect(lines.count - own.count <= 3)
        #expect(reader.errors >= 1 && !channel.isActive, "\(deed)")
        #expect(seen.explain(Endpoint(host: "h", port: 1)) != nil)
        _ = try? channel.finish()
      }
    }
  }

  @Test("a handshake ends once, however it ends, and whatever is said within")
  func handshake() async throws {
    let done = TLSUserEvent.handshakeCompleted(negotiatedProtocol: ProtocolLimits.alpn)
    // The loop belongs to this thread: what is waited for, is behind it.
    var (failed, ended, strange): ([SeenKey], SeenKey, SeenKey) = ([], SeenKey(), SeenKey())
    for deed in ReaderDeed.allCases {
      let seen = SeenKey()
      let channel = EmbeddedChannel(
        handlers: [HandshakeHandler(seen), ContraryReader<ByteBuffer>(deed, [])], loop: loop)
      channel.pipeline.fireErrorCaught(ChannelError.connectTimeout(.seconds(1)))
      channel.pipeline.fireUserInboundEventTriggered(done)
      channel.pipeline.fireChannelInactive()
      loop.run()
      _ = try? channel.finish()
      failed.append(seen)
    }
    let channel = EmbeddedChannel(handler: HandshakeHandler(ended), loop: loop)
    channel.pipeline.fireUserInboundEventTriggered(done)
    channel.pipeline.fireChannelInactive()
    let other = EmbeddedChannel(handler: HandshakeHandler(strange), loop: loop)
    other.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: "h2"))
    for seen in failed { await #expect(throws: ChannelError.self) { try await seen.handshake() } }
    try await ended.handshake()
    await #expect(throws: FrameFault.self) { try await strange.handshake() }
  }

  /// `Connection` has tests of its own; an `Ear` takes datagrams or rings, and answers none.
  private static let tested: Set = [
    "ClassicHandler", "Connection", "DialectHandler", "Ear", "HandshakeHandler", "HubLineHandler", "MetricsAnswer",
    "ProxyHandler",
  ]

  @Test("each of them is tested so")
  func complete() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var found: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /class (\w+): Channel(?:Inbound|Outbound|Duplex)Handler/) {
        found.insert(String(match.1))
      }
    }
    #expect(found == Self.tested)
  }
}
