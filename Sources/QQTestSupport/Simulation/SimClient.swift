import QQClient
import QQHub
import QQJournal
import QQProtocol

/// A client's process, and after its death the next one: the real `Outbox`, `Reader` and `Backoff`, driven as `Sender`
/// and `Listener` drive them.
final class SimClient {
  let number: Int
  let plan: ClientPlan
  unowned let world: World
  let key: [UInt8]

  // One process.
  private(set) var isAlive = false
  var process = 0
  var outbox = Outbox()
  private var reader: Reader?
  private var backoff = Backoff()
  var link: SimLink?
  private var wasWelcomed = false
  private(set) var life: SimLife?
  var epoch = ""
  private var isFollowing = false
  /// Events are being shown; nothing is read meanwhile, nor a lost connection noticed.
  private var isShowing = false
  private var isLostWhileShowing = false
  /// What was submitted, by its number in the outbox.
  var submitted: [Int] = []
  /// Of these, what the hub has said to have.
  var stored: Set<Int> = []
  var nextMessage = 0
  var nextCommand = 0
  var isCommandWritten = false
  var isFeeding = false

  private var isSlow = false

  // Kept from one process to the next.
  var settled: [Bool]

  init(_ world: World, number: Int, plan: ClientPlan) {
    self.world = world
    self.number = number
    self.plan = plan
    key = [UInt8](repeating: UInt8(plan.user + 1), count: 32)
    settled = plan.messages.map { _ in false }
  }

  var name: String { "client \(number).\(process) of \(Scenario.names[plan.user])" }

  // MARK: Processes

  func start() {
    process += 1
    isAlive = true
    world.note("\(name) starts")
    outbox = Outbox(wantsReceipts: plan.wantsReceipts, maximumCount: world.scenario.outboxLimit)
    submitted = []
    stored = []
    isShowing = false
    isLostWhileShowing = false
    isFeeding = false
    isFollowing = false
    wasWelcomed = false
    backoff = Backoff()
    // A script that is run again sends all of it again, or knows where it was.
    nextMessage = world.random.chance(0.5) ? 0 : settled.firstIndex(of: false) ?? settled.count
    isCommandWritten = false
    life = nil
    if let reading = plan.reading {
      reader = Reader(
        start: reading.start, cursor: reading.cursor, holds: reading.holds, name: "reader-\(number)-\(process)")
    }
    feed()
    connect()
  }

  /// The process dies, or its machine with it: then the hub hears nothing.
  func die() {
    guard isAlive else { return }
    world.happenings[.death] += 1
    world.note("\(name) dies")
    isAlive = false
    link?.drop(isReset: world.random.chance(0.5))
    link = nil
    world.clock.after(world.random.within(10...2_000)) { [self] in start() }
  }

  /// Lets the process's own things happen, if it is still that one.
  func later(_ delay: Int64, _ action: @escaping () -> Void) {
    let process = process
    world.clock.after(delay) { [self] in
      if isAlive, process == self.process { action() }
    }
  }

  // MARK: The connection

  private func connect() {
    let link = SimLink(
      world, onWelcome: { [unowned self] in welcomed($0) }, onFrames: { [unowned self] in received($0) },
      onLost: { [unowned self] in lost() })
    self.link = link
    guard let address = IPAddress(Scenario.address(plan.user)) else { return }
    link.connect(Peer(address: address, key: key), .init(nick: Scenario.names[plan.user], isExplicit: true))
  }

  private func welcomed(_ welcome: HubFrame.Welcome) {
    wasWelcomed = true
    epoch = welcome.epoch
    if world.bug != .neverResends { outbox.lost() }
    isCommandWritten = false
    if var reader, let reading = plan.reading {
      let (frame, isNewEpoch) = reader.connected(epoch: world.bug == .forgetsEpoch ? "" : welcome.epoch)
      self.reader = reader
      if isNewEpoch { world.happenings[.newEpoch] += 1 }
      if life == nil || isNewEpoch || life?.epoch != epoch {
        // A new epoch is read from what is unread there.
        var reading = reading
        if life != nil { reading.start = .unread }
        life = SimLife(world, client: number, epoch: epoch, key: key, reading: reading, name: name)
      }
      link?.send([.listen(bent(frame))])
    }
    pump()
    command()
  }

  private func bent(_ listen: ClientFrame.Listen) -> ClientFrame.Listen {
    guard case .seq(let seq) = listen.after, seq > 0 else { return listen }
    var listen = listen
    if world.bug == .resumesLate { listen.after = .seq(seq + 1) }
    if world.bug == .resumesEarly { listen.after = .seq(seq - 1) }
    return listen
  }

  private func lost() {
    guard isAlive else { return }
    if isShowing {
      isLostWhileShowing = true
      return
    }
    link = nil
    // Not every loss is told to the reader.
    if world.random.chance(0.5) { reader?.lost() }
    if wasWelcomed { backoff.reset() }
    wasWelcomed = false
    later(backoff.next(random: world.random.fraction())) { [self] in connect() }
  }

  private func received(_ frames: [HubFrame]) {
    guard isAlive else { return }
    var events: [HubFrame] = []
    for frame in frames {
      if case .error(let failure) = frame, failure.ref == nil {
        // Another process, or a later connection of this one, has taken over.
        world.note("\(name) is told \(failure.code)")
        return die()
      }
      answered(frame)
      read(frame, &events)
    }
    pump()
    if world.bug == .acknowledgesUnshown { acknowledge(events.last) }
    // Without events too: what was acknowledged on the connection before may not have arrived.
    if events.isEmpty { acknowledge(nil) } else { show(events) }
  }

  // MARK: Reading

  private func read(_ frame: HubFrame, _ events: inout [HubFrame]) {
    guard let verdict = reader?.received(frame) else { return }
    if case .ok(let ok) = frame, ok.ref == 0, let seq = ok.seq, life?.start == nil { life?.started(after: seq) }
    if case .ok(let ok) = frame, ok.ref == 0 {
      isFollowing = ok.isFollowing
      if isFollowing { world.happenings[.following] += 1 }
    }
    if verdict == .show { events.append(frame) }
    if world.bug == .resumesEarly, verdict == .skip, case .message = frame { events.append(frame) }
  }

  private func show(_ events: [HubFrame]) {
    isShowing = true
    link?.pause()
    later(world.random.within(world.scenario.showDelay)) { [self] in
      for event in events {
        switch event {
        case .message(let message): life?.shown(message)
        case .gap(let from, let through): life?.shownGap(from: from, through: through)
        default: break
        }
        world.trace.add(event.seq ?? 0)
        if !world.isCalm, world.random.chance(world.scenario.faults.kill > 0 ? 0.01 : 0) { return die() }
      }
      acknowledge(events.last)
      isShowing = false
      if !isSlow { link?.resume() }
      if isLostWhileShowing {
        isLostWhileShowing = false
        lost()
      }
    }
  }

  private func acknowledge(_ event: HubFrame?) {
    if let event, let seq = event.seq {
      reader?.done(seq)
      if let life, world.bug != .acknowledgesUnshown || isShowing { world.oracle.processed(life, through: life.last) }
    }
    if let seq = reader?.acknowledgement() { link?.send([.ack(seq: seq)]) }
  }

  // MARK: The end

  /// What the client still waits for; nil where it has everything.
  var unfinished: String? {
    if !isAlive || link?.isConnected != true { return "\(name) isn't connected" }
    if isShowing { return "\(name) shows events" }
    if nextMessage < plan.messages.count { return "\(name) has more to send" }
    if !outbox.isEmpty {
      return "\(name) has no answer to \(outbox.unanswered.map(\.id)), missing \(outbox.missing.sorted())"
    }
    if nextCommand < plan.commands.count { return "\(name) has no answer to \(plan.commands[nextCommand])" }
    guard let life else { return nil }
    if life.epoch != world.journal.epoch { return "\(name) reads another epoch" }
    if life.start == nil { return "\(name) has no answer to listen" }
    return life.expected(before: .max).map { "\(name) isn't shown \($0)" }
  }

  /// A process that found the cursor held follows to its end, although the holder may have been a dead connection: it
  /// is for the user to start it again.
  func restartIfFollowing() {
    if isFollowing { die() }
  }

  // MARK: Faults

  /// Reads nothing for a while, as behind a pipe that is full.
  func stopReading(for time: Int64) {
    isSlow = true
    link?.pause()
    world.clock.after(time) { [self] in
      isSlow = false
      if !isShowing { link?.resume() }
    }
  }
}
