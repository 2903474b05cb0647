import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import QQIdentity
import QQProtocol
import QQTransport
import Synchronization

/// One line from the hub: what it says, and its bytes without the newline.
public struct HubLine: Sendable {
  public var frame: HubFrame?
  public var bytes: [UInt8]
  /// The raw bytes that the line announced.
  public var raw: [UInt8]
  /// Their hash. Made where they are read: whoever writes them to the disk has that to do.
  public var digest: Digest?

  public init(frame: HubFrame?, bytes: [UInt8], raw: [UInt8] = []) {
    self.frame = frame
    self.bytes = bytes
    self.raw = raw
  }
}

/// A connection that the hub has welcomed.
public struct HubLink: Sendable {
  public typealias Lines = NIOAsyncChannelInboundStream<[HubLine]>.AsyncIterator

  /// Whom one is connected to.
  public struct Peer: Sendable {
    public var endpoint: Endpoint
    /// The key that the hub proved to have, of which the trust in it was satisfied; nil on plaintext.
    public var fingerprint: Fingerprint?
  }

  public let welcome: HubFrame.Welcome
  public let peer: Peer
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private let channel: any Channel

  /// Ends the lines.
  public func close() {
    channel.close(promise: nil)
  }

  /// Ends the connection in so many milliseconds, unless it is stopped before.
  func alarm(after milliseconds: Int64) -> Alarm {
    let alarm = Alarm()
    let channel = channel
    alarm.task.withLock { task in
      task = channel.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) { [weak alarm] in
        alarm?.ring()
        channel.close(promise: nil)
      }
    }
    return alarm
  }

  final class Alarm: Sendable {
    fileprivate let task = Mutex<Scheduled<Void>?>(nil)
    private let rang = Mutex(false)

    var hasRung: Bool { rang.withLock(\.self) }
    fileprivate func ring() { rang.withLock { $0 = true } }
    func stop() { task.withLock { $0?.cancel() } }
  }

  /// Waits while the hub reads more slowly than this writes.
  public func write(_ frames: [ClientFrame]) async throws {
    guard !frames.isEmpty else { return }
    var writer = JSONWriter(reserving: 256 * frames.count)
    for frame in frames { frame.encode(into: &writer) }
    try await outbound.write(ByteBuffer(bytes: writer.bytes))
  }

  /// A piece of a file. Waits as `write` of frames does.
  public func write(_ chunk: Chunk, _ bytes: [UInt8]) async throws {
    var writer = JSONWriter(reserving: 160)
    ClientFrame.put(chunk).encode(into: &writer)
    var buffer = channel.allocator.buffer(capacity: writer.bytes.count + bytes.count)
    buffer.writeBytes(writer.bytes)
    buffer.writeBytes(bytes)
    try await outbound.write(buffer)
  }

  /// One loop is all a client needs.
  static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  /// Connects, shakes hands, says hello, and runs `body` with the link and the lines after the welcome. The
  /// connection is closed when `body` returns. Errors before the welcome are `ClientError`.
  public static func with<Result: Sendable>(
    _ configuration: LinkConfiguration,
    _ body: @Sendable @escaping (HubLink, inout Lines) async throws -> Result
  ) async throws -> Result {
    guard let relocate = configuration.relocate else { return try await once(configuration, SeenKey(), body) }
    let seen = SeenKey()
    var first = configuration
    first.timeout = min(configuration.timeout, patience)
    let error: ClientError
    do {
      return try await once(first, seen, body)
    } catch let failure as ClientError where !seen.wasWelcomed && failure.mayBeElsewhere {
      error = failure
    }
    var second = configuration
    if let endpoint = await relocate(configuration.endpoint) {
      second.endpoint = endpoint
    } else if case .timedOut = error {
    } else {
      throw error
    }
    return try await once(second, SeenKey(), body)
  }

  /// How long a hub that may be elsewhere is waited for before it is looked for, in milliseconds.
  private static let patience: Int64 = 1_000

  private static func once<Result: Sendable>(
    _ configuration: LinkConfiguration, _ seen: SeenKey,
    _ body: @Sendable @escaping (HubLink, inout Lines) async throws -> Result
  ) async throws -> Result {
    let channel = try await connect(configuration, seen)
    let endpoint = configuration.endpoint
    return try await channel.executeThenClose { inbound, outbound in
      var lines = inbound.makeAsyncIterator()
      let deadline = channel.channel.eventLoop.scheduleTask(in: .milliseconds(configuration.timeout)) {
        seen.timedOut()
        channel.channel.close(promise: nil)
      }
      let welcome = try await greet(configuration, seen, &lines, outbound)
      deadline.cancel()
      seen.welcomed()
      let peer = Peer(endpoint: endpoint, fingerprint: seen.fingerprint)
      let link = HubLink(welcome: welcome, peer: peer, outbound: outbound, channel: channel.channel)
      do {
        return try await body(link, &lines)
      } catch let error as IOError where error.errnoCode == ETIMEDOUT {
        // It went silent: a cable, a host that is off (see `DeadPeers`).
        throw ClientError.timedOut(endpoint)
      } catch
        where error is ChannelError || error is IOError || error is NIOSSLError
        || error is NIOAsyncWriterError || error is FrameFault
      {
        throw seen.explain(endpoint) ?? .lost(endpoint)
      }
    }
  }

  private static func greet(
    _ configuration: LinkConfiguration, _ seen: SeenKey, _ lines: inout Lines,
    _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) async throws -> HubFrame.Welcome {
    let endpoint = configuration.endpoint
    if case .tls(_, let trust) = configuration.security {
      do {
        try await seen.handshake()
      } catch {
        throw explain(error, seen, endpoint)
      }
      // What is thrown here is about what the user knows, not about the connection.
      if case .firstUse(let decide) = trust, let key = seen.fingerprint {
        guard try await decide(key) else { throw ClientError.untrusted(endpoint, key) }
      }
    }
    do {
      var writer = JSONWriter(reserving: 256)
      ClientFrame.hello(configuration.hello).encode(into: &writer)
      try await outbound.write(ByteBuffer(bytes: writer.bytes))
      while let batch = try await lines.next() {
        for line in batch {
          switch line.frame {
          case .welcome(let welcome):
            guard (try? Nick(welcome.nick)) != nil else {
              throw ClientError.notAHub(endpoint, reason: "it welcomes a user whose nick can be none")
            }
            return welcome
          case .error(let failure): throw ClientError.refused(endpoint, configuration.explain(failure))
          default: continue
          }
        }
      }
      try Task.checkCancellation()
      throw seen.explain(endpoint) ?? .lost(endpoint)
    } catch {
      throw explain(error, seen, endpoint)
    }
  }

  /// What an error before the welcome means to the user.
  private static func explain(_ error: any Error, _ seen: SeenKey, _ endpoint: Endpoint) -> any Error {
    switch error {
    case is ClientError, is CancellationError: error
    case let fault as FrameFault: ClientError.notAHub(endpoint, reason: fault.message)
    case NIOSSLError.handshakeFailed(.sslError(let stack)) where !stack.contains(.eofDuringHandshake):
      seen.explain(endpoint) ?? .notAHub(endpoint, reason: "the TLS handshake failed")
    default:
      // A hub that ends cuts off handshakes, too.
      seen.explain(endpoint) ?? .lost(endpoint)
    }
  }

  // MARK: Connecting

  private static func connect(
    _ configuration: LinkConfiguration, _ seen: SeenKey
  ) async throws -> NIOAsyncChannel<[HubLine], ByteBuffer> {
    let endpoint = configuration.endpoint
    let tls = try tls(configuration, seen)
    do {
      let bootstrap = DeadPeers.options.reduce(ClientBootstrap(group: group)) {
        $0.channelOption($1.option, value: $1.value)
      }
      .connectTimeout(.milliseconds(configuration.timeout))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 256 << 10)
      )
      if let address = IPAddress(endpoint.host), address.isLinkLocal, !address.isIPv4, !endpoint.host.contains("%") {
        throw ClientError.unreachable(
          endpoint, reason: "an address of one link needs its interface, as in \(endpoint.host)%eth0")
      }
      // An address needs no resolver, which would cost a thread.
      if let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
        return try await bootstrap.connect(to: address) { channel in initialize(channel, seen, tls) }
      }
      return try await bootstrap.connect(host: endpoint.host, port: endpoint.port) { channel in
        initialize(channel, seen, tls)
      }
    } catch let error as ClientError {
      throw error
    } catch let error as NIOConnectionError {
      if error.connectionErrors.isEmpty { throw ClientError.cannotResolve(endpoint) }
      throw ClientError.unreachable(endpoint, reason: reason(error.connectionErrors[0].error))
    } catch {
      throw ClientError.unreachable(endpoint, reason: reason(error))
    }
  }

  private static func initialize(
    _ channel: any Channel, _ seen: SeenKey, _ tls: (@Sendable () throws -> NIOSSLClientHandler)?
  ) -> EventLoopFuture<NIOAsyncChannel<[HubLine], ByteBuffer>> {
    channel.eventLoop.makeCompletedFuture {
      if let tls {
        try channel.pipeline.syncOperations.addHandler(tls())
        try channel.pipeline.syncOperations.addHandler(HandshakeHandler(seen))
      }
      try channel.pipeline.syncOperations.addHandler(
        HubLineHandler(seen))
      return try NIOAsyncChannel<[HubLine], ByteBuffer>(
        wrappingChannelSynchronously: channel,
        configuration: .init(backPressureStrategy: .init(lowWatermark: 2, highWatermark: 16)))
    }
  }

  private static func reason(_ error: any Error) -> String {
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)).lowercased() }
    if case .connectTimeout = error as? ChannelError { return "it did not answer in time" }
    return "\(error)"
  }

  private static func tls(
    _ configuration: LinkConfiguration, _ seen: SeenKey
  ) throws -> (@Sendable () throws -> NIOSSLClientHandler)? {
    guard case .tls(let identity, let trust) = configuration.security else { return nil }
    let endpoint = configuration.endpoint
    if case .authority(let hostname) = trust, let identity {
      let (settings, name) = try TLSSettings.clientCA(identity: identity, hostname: hostname)
      let context = try NIOSSLContext(configuration: settings)
      return { try NIOSSLClientHandler(context: context, serverHostname: name) }
    }
    let context = try NIOSSLContext(configuration: TLSSettings.client(identity: identity))
    return {
      try NIOSSLClientHandler(
        context: context, serverHostname: nil,
        customVerificationCallback: { chain, verdict in
          guard let key = HubCertificate.fingerprint(of: chain) else { return verdict.succeed(.failed) }
          seen.saw(key)
          if case .pin(let expected, let file) = trust, expected != key {
            seen.failed(.keyChanged(endpoint, expected: expected, seen: key, file: file))
            return verdict.succeed(.failed)
          }
          verdict.succeed(.certificateVerified)
        })
    }
  }
}
