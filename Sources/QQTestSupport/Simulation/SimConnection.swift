/// One end of a connection.
protocol SimEnd: AnyObject {
  func received(_ bytes: [UInt8])
  /// Something that was written has left.
  func drained()
  /// The other end says nothing more; what it had said has been received.
  func ended()
  /// The connection is gone, and this end has noticed.
  func lost()
}

/// A connection: two ordered streams of bytes, delayed and split anywhere, which can be cut at any moment. Each end
/// notices a cut in its own time; until then it writes into a hole.
final class SimConnection {
  final class Direction {
    weak var receiver: (any SimEnd)?
    weak var sender: (any SimEnd)?
    fileprivate var bytes: [UInt8] = []
    fileprivate var start = 0
    fileprivate var isPaused = false
    fileprivate var isScheduled = false
    fileprivate var isEnding = false
    fileprivate var isDead = false

    /// Written, and not yet received.
    var pending: Int { bytes.count - start }
  }

  private unowned let world: World
  /// From the client to the hub, and back.
  let up = Direction()
  let down = Direction()
  /// How long the next piece takes; a connection may be fast or slow.
  private let latency: ClosedRange<Int64>
  private(set) var isCut = false
  /// Its client is nobody's whom the oracle knows.
  let isHostile: Bool
  private var isReset = false

  init(_ world: World, isHostile: Bool = false) {
    self.world = world
    self.isHostile = isHostile
    let base = world.random.within(world.scenario.latency)
    latency = (base / 2)...(base + base / 2)
  }

  func write(_ bytes: [UInt8], on direction: Direction) {
    guard !bytes.isEmpty, !direction.isEnding else { return }
    if isReset, direction === down { return failWrite() }
    direction.bytes.append(contentsOf: bytes)
    schedule(direction)
  }

  /// Nothing more will be written; what was is still delivered.
  func end(_ direction: Direction) {
    direction.isEnding = true
    schedule(direction)
  }

  /// The receiver reads nothing until it says so.
  func pause(_ direction: Direction) { direction.isPaused = true }

  func resume(_ direction: Direction) {
    guard direction.isPaused else { return }
    direction.isPaused = false
    schedule(direction)
  }

  /// Nothing written arrives from now on.
  func kill(_ direction: Direction) { direction.isDead = true }

  /// Both ends lose the connection, each after its own time.
  func cut(clientNotices: Int64, hubNotices: Int64) {
    guard !isCut else { return }
    isCut = true
    world.happenings[.cut] += 1
    world.note("a connection is cut: the client notices after \(clientNotices) ms, the hub after \(hubNotices) ms")
    kill(up)
    kill(down)
    world.clock.after(clientNotices) { self.down.receiver?.lost() }
    world.clock.after(hubNotices) { self.up.receiver?.lost() }
  }

  /// The client ends with a RST: what it said before is still to be read, and whoever writes to it learns of its end, as
  /// NIO does: the failing write delivers all of that, and the end, before it returns.
  func reset() {
    isReset = true
    kill(down)
    world.clock.after(world.random.within(latency)) { self.failWrite() }
  }

  private func failWrite() {
    guard !isCut else { return }
    isCut = true
    let rest = Array(up.bytes[up.start...])
    kill(up)
    if !rest.isEmpty { up.receiver?.received(rest) }
    up.receiver?.lost()
  }

  private func schedule(_ direction: Direction) {
    guard !direction.isScheduled, !direction.isPaused, !direction.isDead else { return }
    guard direction.pending > 0 || direction.isEnding else { return }
    direction.isScheduled = true
    world.clock.after(world.random.within(latency)) { self.deliver(direction) }
  }

  private func deliver(_ direction: Direction) {
    direction.isScheduled = false
    guard !direction.isPaused, !direction.isDead else { return }
    if direction.pending == 0 {
      direction.isDead = true
      direction.receiver?.ended()
      return
    }
    let count =
      world.random.chance(world.scenario.splitting) ? 1 + world.random.below(direction.pending) : direction.pending
    let end = direction.start + min(count, 32 << 10)
    let chunk = direction.bytes[direction.start..<end]
    world.trace.add(world.clock.now)
    world.trace.add(chunk)
    direction.start = end
    let bytes = Array(chunk)
    if direction.pending == 0 {
      direction.bytes.removeAll(keepingCapacity: true)
      direction.start = 0
    }
    direction.receiver?.received(bytes)
    direction.sender?.drained()
    schedule(direction)
  }
}
