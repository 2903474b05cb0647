import QQHub
import QQJournal
import QQProtocol

/// Somebody who reads a user's whole history, page by page, and compares it with what the journal says.
final class SimHistory {
  private unowned let world: World
  private let user: Int
  private var link: SimLink?
  private var epoch = ""
  private var found: [Seq] = []
  /// What was stored when the first page was asked for; later messages may be in it or not.
  private var last: Seq = 0
  private(set) var isDone = false

  init(_ world: World, user: Int) {
    self.world = world
    self.user = user
  }

  private var key: [UInt8] { [UInt8](repeating: UInt8(user + 1), count: 32) }

  func start() {
    found = []
    let link = SimLink(
      world, onWelcome: { [unowned self] in welcomed($0) }, onFrames: { [unowned self] in received($0) },
      onLost: { [unowned self] in lost() })
    self.link = link
    guard let address = IPAddress(Scenario.address(user)) else { return }
    link.connect(Peer(address: address, key: key), .init(nick: Scenario.names[user], isExplicit: true))
  }

  private func lost() {
    if !isDone { world.clock.after(1_000) { [self] in start() } }
  }

  private func welcomed(_ welcome: HubFrame.Welcome) {
    epoch = welcome.epoch
    last = world.hub.applied
    ask()
  }

  private func ask() {
    link?.send([.history(.init(ref: 1, after: found.last ?? 0, limit: Int64(world.scenario.pageLimit)))])
  }

  private func received(_ frames: [HubFrame]) {
    for frame in frames {
      switch frame {
      case .message(let message): add(message)
      case .ok(let ok) where ok.more: ask()
      case .ok:
        isDone = true
        compare()
        link?.close(isReset: false)
      default: world.violation(.garbled, "history is answered with \(frame)")
      }
    }
  }

  private func add(_ message: HubFrame.Message) {
    guard let directory = world.oracle[epoch], let me = directory.user(key: key) else { return }
    if message.seq <= found.last ?? 0 {
      world.violation(.shownTwice, "\(me.nick)'s history has \(message.seq) after \(found.last ?? 0)")
    }
    found.append(message.seq)
    guard let stored = directory.messages[message.seq], stored.body.text == message.text else {
      return world.violation(.wrongContent, "\(me.nick)'s history has \(message.seq), which is another message")
    }
    if !stored.audience.contains(me.id), stored.body.sender != me.id {
      world.violation(.notTheirs, "\(me.nick)'s history has \(message.seq)")
    }
  }

  private func compare() {
    guard let directory = world.oracle[epoch], let me = directory.user(key: key) else { return }
    let floor = world.oracle.floor(epoch)
    let own = directory.messages.values.filter { $0.body.sender == me.id }.map(\.seq)
    let expected = Set(own + me.inbox).filter { $0 > me.start && $0 >= floor && $0 <= last }
    let missing = expected.subtracting(found).sorted()
    if !missing.isEmpty { world.violation(.missing, "\(me.nick)'s history lacks \(missing)") }
  }
}
