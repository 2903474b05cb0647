import Logging
import NIOCore
import NIOPosix
import NIOSSL
import QQHub
import QQIdentity
import QQJournal
import QQProtocol
import QQSpool
import QQTransport
import Synchronization

/// What a server is started with.
public struct ServerConfiguration: Sendable {
  /// Addresses and ports to accept on; port 0 is any that is free.
  public var listen: [(host: String, port: Int)]
  /// Sockets that listen already, in the place of these.
  public var inherited: [CInt] = []
  /// nil where only plaintext is spoken.
  public var tls: TLSConfiguration?
  public var hub: HubConfiguration
  /// Event loops for connections; the first is the hub's as well.
  public var threads: Int
  /// Connections at a time, so that there are always file descriptors left for the listener and the journal. What the
  /// core may take of them it is told here as well: see `ServerConfiguration.limits`.
  public var limits: ConnectionLimits { didSet { hub.sessions = limits.sessions } }
  /// That may wait for peers which don't take them, of all connections together.
  public var waitingBytes = 256 << 20
  /// From accepting a connection to the welcome.
  public var greetingTime: TimeAmount
  /// nil where clients of the original mini QQ aren't let in.
  public var classic: ClassicSettings?
  /// Where metrics are asked for over HTTP; nil where nowhere.
  public var metrics: (host: String, port: Int)?
  /// Sources whose connections begin with a PROXY header, which says whose they are.
  public var trustedProxies: [CIDR] = []

  public init(listen: [(host: String, port: Int)], tls: TLSConfiguration?, hub: HubConfiguration) {
    self.listen = listen
    self.tls = tls
    self.hub = hub
    threads = 1
    limits = ConnectionLimits(connections: 100_000)
    greetingTime = .seconds(10)
  }
}

public enum ServerError: Error, Sendable {
  /// `isForMetrics`: and not for users.
  case cannotListen(host: String, port: Int, reason: String, isForMetrics: Bool = false)
}

/// A running hub.
public final class HubServer: Sendable {
  let group: MultiThreadedEventLoopGroup
  let name: String
  let logger: Logger
  let runner: HubRunner
  private let listeners: [any Channel]
  /// Where it accepts, with the real ports.
  public let addresses: [SocketAddress]
  private let connections: ConnectionTable
  private let spool: Spool
  private let certificates: Certificates?
  private let metrics: MetricsServer?
  /// Where metrics are asked for.
  public var metricsAddress: SocketAddress? { metrics?.address }
  /// What goes on beside until it stops.
  let following = Mutex<Task<Void, Never>?>(nil)
  /// How long messages are kept, in milliseconds.
  let retained = Atomic<Int64>(.max)

  private init(
    group: MultiThreadedEventLoopGroup, name: String, runner: HubRunner, spool: Spool, listeners: [any Channel],
    connections: ConnectionTable, certificates: Certificates?, metrics: MetricsServer?, logger: Logger
  ) {
    self.metrics = metrics
    self.certificates = certificates
    self.group = group
    self.name = name
    self.logger = logger
    self.spool = spool
    self.runner = runner
    self.listeners = listeners
    self.connections = connections
    addresses = listeners.compactMap(\.localAddress)
  }

  /// `onFailure` is called when the journal can promise nothing any more; nothing is answered after that. `backups`: nil
  /// where nothing is kept.
  public static func start<Records: Journal & Store>(
    _ configuration: ServerConfiguration, journal: Records, spool: Spool, backups: Backups? = nil, logger: Logger,
    onFailure: @escaping @Sendable (String) -> Void
  ) async throws -> HubServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.threads))
    let loop = group.next()
    var loops: [any EventLoop] = [loop]
    for other in group.makeIterator() where other !== loop { loops.append(other) }
    let waiting = WaitingBytes(limit: configuration.waitingBytes)
    let ports = loops.map { LoopPort(loop: $0, isHubs: $0 === loop, waiting: waiting) }
    let runner = HubRunner(
      hub: Hub(configuration.hub, try journal.load()), journal: journal, store: journal, spool: spool, backups: backups,
      loop: loop, ports: ports, logger: logger, onFailure: onFailure)
    await runner.start(try await Bell.make(on: loop) { [weak runner] in runner?.takeTurn() })
    let connections = ConnectionTable(configuration.limits)
    var certificates: Certificates?
    var metrics: MetricsServer?
    var listeners: [any Channel] = []
    do {
      certificates = try configuration.tls.map { try Certificates($0) }
      let setup = ConnectionSetup(
        configuration: configuration, tls: certificates, runner: runner, ports: ports, connections: connections,
        logger: logger)
      for descriptor in configuration.inherited {
        listeners.append(try await bootstrap(group, setup, isTwin: false).withBoundSocket(descriptor).get())
      }
      for place in configuration.inherited.isEmpty ? configuration.listen : [] {
        do {
          let isTwin =
            place.host.contains(":")
            && configuration.listen.contains { other in
              other.port == place.port && !other.host.contains(":")
            }
          let bootstrap = bootstrap(group, setup, isTwin: isTwin)
          // Not by name: the resolver has no addresses of IPv6 for a machine whose only one is loopback.
          let address = try? SocketAddress(ipAddress: place.host, port: place.port)
          let listener =
            if let address { bootstrap.bind(to: address) } else { bootstrap.bind(host: place.host, port: place.port) }
          listeners.append(try await listener.get())
        } catch {
          throw ServerError.cannotListen(host: place.host, port: place.port, reason: reason(error))
        }
      }
      if let place = configuration.metrics {
        do {
          metrics = try await MetricsServer(group, host: place.host, port: place.port, runner: runner)
        } catch {
          throw ServerError.cannotListen(
            host: place.host, port: place.port, reason: reason(error), isForMetrics: true)
        }
      }
    } catch {
      for listener in listeners { try? await listener.close() }
      await withCheckedContinuation { done in journal.close { done.resume() } }
      await spool.stop()
      try? await group.shutdownGracefully()
      throw error
    }
    return HubServer(
      group: group, name: configuration.hub.name, runner: runner, spool: spool, listeners: listeners,
      connections: connections, certificates: certificates, metrics: metrics, logger: logger)
  }

  private static func reason(_ error: any Error) -> String {
    guard let io = error as? IOError else { return "\(error)" }
    return switch io.errnoCode {
    case EADDRINUSE: "the port is in use"
    case EACCES: "no permission for that port"
    case EADDRNOTAVAIL: "this machine has no such address"
    default: String(cString: strerror(io.errnoCode))
    }
  }

  /// `isTwin`: an IPv6 listener beside one for IPv4 at the same port, which would take that one's connections, too.
  private static func bootstrap(
    _ group: MultiThreadedEventLoopGroup, _ setup: ConnectionSetup, isTwin: Bool
  ) -> ServerBootstrap {
    let bootstrap = DeadPeers.options.reduce(ServerBootstrap(group: group)) {
      $0.childChannelOption($1.option, value: $1.value)
    }
    return
      (isTwin ? bootstrap.serverChannelOption(OnlyIPv6.option, value: 1) : bootstrap)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 256 << 10)
      )
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 512 << 10))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try setup.begin(channel) }
      }
  }

  /// New connections get this certificate; those there are stay as they are.
  public func reload(_ configuration: TLSConfiguration) throws { try certificates?.replace(configuration) }

  /// Calls `beat` so often, in milliseconds, for as long as the hub gets to do anything at all.
  public func keepBeating(every interval: Int64, _ beat: @escaping @Sendable () -> Void) {
    runner.loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(interval)) { _ in beat() }
  }

  /// Stops accepting, commits and answers all that was read, and closes.
  public func stop() async {
    let following = following.withLock { task in
      task?.cancel()
      return task
    }
    await following?.value
    await metrics?.close()
    for listener in listeners { try? await listener.close() }
    let closing = await withCheckedContinuation { done in runner.stop { done.resume(returning: $0) } }
    connections.close(allBut: closing)
    await connections.drained()
    await spool.stop()
    try? await group.shutdownGracefully()
  }
}
