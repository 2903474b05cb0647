import QQHub
import QQProtocol

/// Somebody who means no good, or whose program is broken: connections that come and go in any number and say anything.
final class SimHostile {
  private unowned let world: World
  private let number: Int
  private var open: [Caller] = []
  private var opened = 0

  /// Connections that one of them may have open, and makes in all.
  private static let most = 60
  private static let mostEver = 600

  init(_ world: World, number: Int) {
    self.world = world
    self.number = number
  }

  /// The key of a hostile user is no other client's.
  static let firstKey: UInt8 = 200

  func start() {
    guard !world.isCalm, opened < Self.mostEver else { return }
    // One after the other, or many at once.
    for _ in 0..<world.random.pick([1, 1, 1, 3, 40]) where open.count < Self.most && opened < Self.mostEver { call() }
    world.clock.after(world.random.within(1...world.random.pick([20, 400]))) { [self] in start() }
  }

  private func call() {
    guard world.hub.isUp else { return }
    opened += 1
    let caller = Caller(world, peer: peer(), isUser: world.random.chance(0.8), number: number)
    open.append(caller)
    caller.begin { [self] in open.removeAll { $0 === caller } }
  }

  /// Its own, one of a few, or nobody's.
  private func peer() -> Peer {
    let address = IPAddress("10.66.\(number).\(1 + world.random.below(4))") ?? IPAddress(v4: 0x0a42_0001)
    guard !world.random.chance(0.1) else { return Peer(address: address, key: nil) }
    return Peer(
      address: address, key: [UInt8](repeating: Self.firstKey + UInt8(world.random.below(8)), count: 32))
  }

  /// The world is to come right: they go, however they do.
  func end() {
    for caller in open { caller.end() }
    open = []
  }
}

/// One connection of theirs.
private final class Caller: SimEnd {
  private unowned let world: World
  private let peer: Peer
  private let isUser: Bool
  private let number: Int
  private let connection: SimConnection
  private var isOver = false
  private var whenOver: () -> Void = {}

  init(_ world: World, peer: Peer, isUser: Bool, number: Int) {
    self.world = world
    self.peer = peer
    self.isUser = isUser
    self.number = number
    connection = SimConnection(world, isHostile: true)
    connection.down.receiver = self
    connection.up.sender = self
  }

  func begin(whenOver: @escaping () -> Void) {
    self.whenOver = whenOver
    world.happenings[.hostile] += 1
    world.hub.accept(connection, peer)
    // What isn't read piles up at the hub.
    if world.random.chance(0.3) { connection.pause(connection.down) }
    if isUser { say(hello) }
    goOn(world.random.pick([0, 1, 5, 30]))
  }

  private var hello: [UInt8] {
    let nick = peer.key.map { "h\($0[0] - SimHostile.firstKey)" } ?? "h9"
    return Array("{\"type\":\"hello\",\"protocol\":1,\"nick\":\"\(nick)\",\"explicit\":true}\n".utf8)
  }

  private func goOn(_ steps: Int) {
    guard !isOver else { return }
    guard steps > 0 else { return leave() }
    say(anything())
    world.clock.after(world.random.within(0...20)) { [self] in goOn(steps - 1) }
  }

  private func anything() -> [UInt8] {
    var values = HostileValues(random: SplitMix64(seed: world.random.next()))
    func line() -> String { values.frame(world.random.pick(Self.frames), extremes: world.random.pick([1, 4, 40])) }
    switch world.random.below(15) {
    case 0: return Array(String(line().prefix(world.random.below(60))).utf8)
    case 1: return (0..<world.random.below(300)).map { _ in UInt8(truncatingIfNeeded: world.random.next()) }
    case 2: return [UInt8](repeating: UInt8(ascii: "["), count: 600) + [0x0a]
    case 3: return [UInt8](repeating: UInt8(ascii: "x"), count: ProtocolLimits.line + 2)
    case 4: return Array(String(repeating: line(), count: world.random.pick([2, 100, 1_000])).utf8)
    case 5: return Array(String(repeating: "{\"type\":\"got\",\"offset\":9007199254740991}\n", count: 3).utf8)
    // Names that the oracle follows: nobody else's, and few enough.
    case 6: return Array("{\"type\":\"nick\",\"nick\":\"h\(world.random.below(12))\"}\n".utf8)
    // The reader's next connection ends this one, which has long answers under way then.
    case 7:
      return Array(
        ("{\"type\":\"listen\",\"after\":0,\"cursor\":\"c\",\"reader\":\"r\",\"hold\":true}\n"
          + String(repeating: "{\"type\":\"who\",\"all\":true}\n", count: world.random.pick([1, 30]))).utf8)
    case 8:
      return Array(
        "{\"type\":\"hello\",\"protocol\":\(values.extreme(.integer)),\"nick\":\"h9\",\"explicit\":true}\n".utf8)
    default: return Array((0..<world.random.within(1...8)).map { _ in line() }.joined().utf8)
    }
  }

  /// Who comes in under which name is for the oracle to know: see `hello`.
  private static let frames = HostileFrames.all.filter { $0.type != "hello" && $0.type != "nick" }

  private func say(_ bytes: [UInt8]) {
    if !isOver { connection.write(bytes, on: connection.up) }
  }

  private func leave() {
    switch world.random.below(5) {
    // It stays, and says nothing more; until the end.
    case 0: break
    case 1: connection.end(connection.up)
    case 2: world.clock.after(world.random.within(0...3_000)) { [self] in end() }
    default: reset()
    }
  }

  /// As by SO_LINGER 0: what it said may still be on its way.
  private func reset() {
    guard !isOver else { return }
    over()
    connection.reset()
  }

  func end() {
    guard !isOver else { return }
    over()
    connection.kill(connection.down)
    connection.cut(clientNotices: 0, hubNotices: world.random.within(world.scenario.latency))
  }

  private func over() {
    isOver = true
    whenOver()
  }

  func received(_ bytes: [UInt8]) {}
  func drained() {}
  func ended() { lost() }

  func lost() {
    guard !isOver else { return }
    over()
    connection.kill(connection.up)
    world.clock.after(0) { self.connection.up.receiver?.lost() }
  }
}
