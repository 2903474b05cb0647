import Logging
import NIOCore
import NIOEmbedded
import QQHub
import QQJournal
import QQProtocol
import QQSpool
import QQTestSupport
import Testing

@testable import QQServer

@Suite("a connection") struct ConnectionTests {
  private let loop = EmbeddedEventLoop()
  private let folder: TemporaryFolder
  private let runner: HubRunner
  private let port: LoopPort

  init() throws {
    folder = try TemporaryFolder()
    port = LoopPort(loop: loop, isHubs: true, waiting: WaitingBytes(limit: .max))
    var configuration = HubConfiguration(name: "hub", instance: 1)
    configuration.plaintext = .loopback
    let journal = MemoryJournal(epoch: "epoch")
    runner = HubRunner(
      hub: Hub(configuration, journal.load()), journal: journal, store: journal,
      spool: try Spool(folder.path + "/spool") { _ in }, backups: nil, loop: loop, ports: [port],
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onFailure: { _ in })
    journal.start { [runner] event in
      if case .committed(let batch) = event { runner.submit(.committed(batch)) }
    }
  }

  private func connect(_ id: SessionID, _ handlers: [any ChannelHandler] = []) throws -> EmbeddedChannel {
    let connection = Connection(
      id: id, runner: runner, port: port, address: IPAddress(v4: 0x7f00_0001), security: .plaintext, onWelcome: {})
    let channel = EmbeddedChannel(handlers: handlers + [connection], loop: loop)
    channel.pipeline.fireChannelActive()
    return channel
  }

  private func lines(_ channel: EmbeddedChannel) throws -> String {
    var text = ""
    loop.run()
    while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
    return text
  }

  private static let hello = "{\"type\":\"hello\",\"protocol\":1,\"nick\":\"peer\"}\n"
  /// Answered one by one: wrong lines, right ones, and a piece of a file that nobody asked for.
  private static let inputs = [
    hello + String(repeating: "{\"type\":\"x\"}\n", count: 40),
    hello + String(repeating: "{\"type\":\"ping\"}\n{\"type\":\"x\"}\n", count: 40),
    hello + "{\"type\":\"who\",\"watch\":true}\n{\"type\":\"listen\",\"after\":0}\n",
    String(repeating: "{\"type\":\"x\"}\n", count: 40),
    hello + "{\"type\":\"put\",\"offset\":0,\"size\":3,\"hash\":\"" + String(repeating: "0", count: 64) + "\"}\nabc",
    hello + "{\"type\":\"ping\"",
    hello + "[1",
  ]

  @Test("whatever a channel does within a write or a flush, the hub goes on", arguments: [true, false])
  func reentry(atWrite: Bool) throws {
    var id: SessionID = 0
    for deed in ContraryChannel.Deed.allCases {
      for input in Self.inputs {
        id += 1
        let peer = try connect(id, [ContraryChannel(deed, Array(input.utf8), atWrite: atWrite)])
        try peer.writeInbound(ByteBuffer(string: input))
        loop.run()
        id += 1
        let witness = try connect(id)
        try witness.writeInbound(ByteBuffer(string: Self.hello + "{\"type\":\"ping\",\"ref\":7}\n"))
        #expect(try lines(witness).hasSuffix("{\"type\":\"pong\",\"ref\":7}\n"), "\(deed), \(input.prefix(80))")
        witness.pipeline.fireChannelInactive()
        peer.pipeline.fireChannelInactive()
        loop.run()
        #expect(runner.connectionCount == 0, "\(deed), \(input.prefix(80))")
      }
    }
  }

  @Test("a stranger's first wrong line is the last; whoever has said hello may say 31 of them in a row")
  func faults() throws {
    let wrong = "{\"type\":\"x\"}\n"
    let stranger = try connect(1)
    try stranger.writeInbound(ByteBuffer(string: String(repeating: wrong, count: 100)))
    #expect(try lines(stranger).split(separator: "\n").count == 1)
    #expect(!stranger.isActive)

    let user = try connect(2)
    let some = String(repeating: wrong, count: 31) + "{\"type\":\"ping\"}\n"
    try user.writeInbound(ByteBuffer(string: Self.hello + some + some))
    #expect(try lines(user).split(separator: "\n").count == 65)
    try user.writeInbound(ByteBuffer(string: String(repeating: wrong, count: 100)))
    #expect(try lines(user).split(separator: "\n").count == 32)
    #expect(!user.isActive)
  }
}
