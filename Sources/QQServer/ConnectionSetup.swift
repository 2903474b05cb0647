import Logging
import NIOCore
import NIOSSL
import QQHub
import QQProtocol
import QQTransport
import Synchronization

/// Builds the pipeline of a connection that was accepted: who it is from, then which dialect it speaks, then the
/// handlers for that.
struct ConnectionSetup: Sendable {
  let configuration: ServerConfiguration
  /// nil where only plaintext is spoken.
  let tls: Certificates?
  let runner: HubRunner
  let ports: [LoopPort]
  let connections: ConnectionTable
  let logger: Logger

  /// On the channel's event loop. Throws where it is to be closed.
  func begin(_ channel: any Channel) throws {
    guard let address = IPAddress(channel.remoteAddress) else { throw ChannelError.inappropriateOperationForState }
    let (id, evicted) = connections.open(channel, from: address)
    evict(evicted)
    channel.closeFuture.whenComplete { _ in connections.close(id) }
    let deadline = NIODeadline.now() + configuration.greetingTime
    let timer = channel.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in timer.cancel() }
    guard configuration.trustedProxies.contains(where: { $0.contains(address) }) else {
      return try findDialect(channel, id, address, timer, deadline)
    }
    let handler = ProxyHandler { source, channel in
      if let source { evict(connections.relay(id, from: source)) }
      try findDialect(channel, id, source ?? address, timer, deadline)
    } refuse: { fault in
      logger.warning(
        "a connection from a trusted proxy was closed",
        metadata: ["proxy": "\(address)", "reason": "\(fault.message)"])
    }
    try channel.pipeline.syncOperations.addHandler(handler)
  }

  /// Whoever comes in at once has a place: somebody who only holds one goes.
  private func evict(_ channel: (any Channel)?) {
    guard let channel else { return }
    if let address = IPAddress(channel.remoteAddress) { runner.submit(.turnedAway(.tooManySessions, address)) }
    channel.close(promise: nil)
  }

  /// Where only TLS is spoken, plaintext makes no session.
  private func refusePlaintext(_ channel: any Channel, _ address: IPAddress) {
    runner.submit(.turnedAway(.plaintextRefused, address))
    var writer = JSONWriter(reserving: 128)
    HubFrame.error(.init(.plaintextRefused, Hub.plaintextRefused)).encode(into: &writer)
    channel.writeAndFlush(ByteBuffer(bytes: writer.bytes)).whenComplete { _ in channel.close(promise: nil) }
  }

  private func findDialect(
    _ channel: any Channel, _ id: SessionID, _ address: IPAddress, _ timer: Scheduled<Void>, _ deadline: NIODeadline
  ) throws {
    let handler = DialectHandler(classic: configuration.classic?.dialect) { dialect, channel in
      timer.cancel()
      try speak(dialect, channel, id, address, deadline)
    }
    try channel.pipeline.syncOperations.addHandler(handler)
  }

  /// `deadline`: of the welcome, which the time that it took to get here counts towards.
  private func speak(
    _ dialect: Dialect, _ channel: any Channel, _ id: SessionID, _ address: IPAddress, _ deadline: NIODeadline
  ) throws {
    let isTLS = dialect == .tls
    guard dialect != .unknown, !isTLS || tls != nil,
      let port = ports.first(where: { $0.loop === channel.eventLoop })
    else { throw ChannelError.inappropriateOperationForState }
    if dialect == .plaintext, configuration.hub.plaintext == .refused { return refusePlaintext(channel, address) }
    let connection = Connection(
      id: id, runner: runner, port: port, address: address,
      security: isTLS ? .tls : dialect == .classic ? .classic : .plaintext
    ) { [connections] in connections.welcomed(id) }
    if isTLS, let tls {
      // Who may do what is decided at hello; here every certificate will do.
      let handler = NIOSSLServerHandler(
        context: tls.context, customVerificationCallback: { _, verdict in verdict.succeed(.certificateVerified) })
      try channel.pipeline.syncOperations.addHandler(handler)
    } else {
      // Before anything is known the end of one direction is the end, or peers that say nothing and leave would stay
      // until their time is up. Over TLS too: NIOSSL would answer a client's close_notify by waiting for a time limit of
      // its own.
      try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
    }
    connection.expectWelcome(until: deadline, on: channel)
    let translation = dialect == .classic ? configuration.classic?.handler(for: address, channel) : nil
    if let translation { try channel.pipeline.syncOperations.addHandler(translation) }
    try channel.pipeline.syncOperations.addHandler(connection)
    translation?.start()
  }
}

/// The hub's certificate, which may be exchanged for a newer one while connections go on.
final class Certificates: Sendable {
  private let current: Mutex<NIOSSLContext>

  init(_ configuration: TLSConfiguration) throws {
    current = Mutex(try NIOSSLContext(configuration: configuration))
  }

  var context: NIOSSLContext { current.withLock(\.self) }

  func replace(_ configuration: TLSConfiguration) throws {
    let new = try NIOSSLContext(configuration: configuration)
    current.withLock { $0 = new }
  }
}
