import NIOCore
import NIOEmbedded
import NIOSSL
import QQIdentity
import QQTestSupport

/// TLS without a socket: what it writes goes to a `FuzzSocket`, which may cut it anywhere. Believes every hub.
final class EmbeddedTLS: FuzzWire {
  private let channel: EmbeddedChannel

  init(_ context: NIOSSLContext) throws {
    let handler = try NIOSSLClientHandler(
      context: context, serverHostname: nil,
      customVerificationCallback: { _, verdict in verdict.succeed(.certificateVerified) })
    channel = EmbeddedChannel(handler: handler)
  }

  deinit {
    // Nobody answers its farewell any more, which it would wait for.
    channel.close(promise: nil)
    channel.embeddedEventLoop.advanceTime(by: .minutes(1))
  }

  func start() throws -> [UInt8] {
    channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    channel.embeddedEventLoop.run()
    return try outbound()
  }

  func seal(_ bytes: [UInt8]) throws -> [UInt8] {
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    channel.embeddedEventLoop.run()
    return try outbound()
  }

  func open(_ bytes: [UInt8]) throws -> (plain: [UInt8], answer: [UInt8]) {
    try channel.writeInbound(ByteBuffer(bytes: bytes))
    channel.embeddedEventLoop.run()
    var plain: [UInt8] = []
    while let buffer = try channel.readInbound(as: ByteBuffer.self) { plain += buffer.readableBytesView }
    return (plain, try outbound())
  }

  private func outbound() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
    return bytes
  }

  /// Wires whose users have keys that are made here.
  static func wires() throws -> MakeWire {
    var contexts: [Int: NIOSSLContext] = [:]
    for user in Array(0..<6) + [1_000, 1_001] {
      let identity = try Identity.make(commonName: "user \(user)")
      contexts[user] = try NIOSSLContext(configuration: TLSSettings.client(identity: identity))
    }
    let made = contexts
    return { user in
      guard let user, let context = made[user] else { return PlainWire() }
      return try EmbeddedTLS(context)
    }
  }
}
