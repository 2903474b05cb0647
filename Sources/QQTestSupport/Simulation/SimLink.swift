import QQHub
import QQProtocol

/// A client's connection to the hub, as `HubLink` gives it: connects, says hello, and hands on what comes after the
/// welcome. What is on its way when the process dies, dies or arrives.
final class SimLink: SimEnd {
  private unowned let world: World
  private let onWelcome: (HubFrame.Welcome) -> Void
  private let onFrames: ([HubFrame]) -> Void
  private let onLost: () -> Void
  private var connection: SimConnection?
  private var framer = LineFramer()
  private var decoder = FrameDecoder()
  private(set) var welcome: HubFrame.Welcome?
  private var isOver = false

  init(
    _ world: World, onWelcome: @escaping (HubFrame.Welcome) -> Void, onFrames: @escaping ([HubFrame]) -> Void,
    onLost: @escaping () -> Void
  ) {
    self.world = world
    self.onWelcome = onWelcome
    self.onFrames = onFrames
    self.onLost = onLost
  }

  /// Welcomed, and the connection is whole, whatever the two ends believe.
  var isConnected: Bool { welcome != nil && connection?.isCut == false && !isOver }

  /// From the first packet to the welcome, in milliseconds.
  private static let timeout: Int64 = 10_000

  func connect(_ peer: Peer, _ hello: ClientFrame.Hello) {
    world.clock.after(world.random.within(world.scenario.latency)) { [self] in
      guard !isOver else { return }
      guard world.hub.isUp, world.random.chance(world.isCalm ? 1 : 0.95) else { return lost() }
      let connection = SimConnection(world)
      self.connection = connection
      world.opened(connection)
      connection.down.receiver = self
      connection.up.sender = self
      world.hub.accept(connection, peer)
      send([.hello(hello)])
      world.clock.after(Self.timeout) { [self] in
        if welcome == nil { close(isReset: true) }
      }
    }
  }

  func send(_ frames: [ClientFrame]) {
    guard let connection, !isOver, !frames.isEmpty else { return }
    var writer = JSONWriter()
    for frame in frames { frame.encode(into: &writer) }
    connection.write(writer.bytes, on: connection.up)
  }

  /// Reads nothing until `resume`.
  func pause() { connection.map { $0.pause($0.down) } }
  func resume() { connection.map { $0.resume($0.down) } }

  /// The process lets go. `isReset`: what it wrote last may not arrive.
  func close(isReset: Bool) {
    guard !isOver else { return }
    drop(isReset: isReset)
    onLost()
  }

  /// The process is gone: nobody is told here.
  func drop(isReset: Bool) {
    isOver = true
    guard let connection else { return }
    connection.kill(connection.down)
    if isReset {
      connection.kill(connection.up)
      connection.cut(clientNotices: 0, hubNotices: world.random.within(world.scenario.latency))
    } else {
      connection.end(connection.up)
      // What the hub still writes is answered with a reset.
      world.clock.after(world.random.within(500...5_000)) { connection.up.receiver?.lost() }
    }
  }

  // MARK: SimEnd

  func received(_ bytes: [UInt8]) {
    guard !isOver else { return }
    var frames: [HubFrame] = []
    do throws(ErrorCode) {
      try framer.feed(bytes.span.bytes) { line throws(ErrorCode) in
        do throws(FrameFault) {
          if let frame = try decoder.hubFrame(line) { frames.append(frame) }
        } catch {
          throw error.code
        }
      }
    } catch {
      return world.violation(.garbled, "a client can't read the hub's line: \(error)")
    }
    if welcome == nil, let first = frames.first {
      guard case .welcome(let welcome) = first else {
        world.note("refused: \(first)")
        return close(isReset: false)
      }
      self.welcome = welcome
      frames.removeFirst()
      onWelcome(welcome)
    }
    if !frames.isEmpty, !isOver { onFrames(frames) }
  }

  func drained() {}

  func ended() { lost() }

  func lost() {
    guard !isOver else { return }
    isOver = true
    connection.map { $0.kill($0.up) }
    onLost()
  }
}
