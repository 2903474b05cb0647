import QQHub
import QQProtocol

/// The hub's end of a connection: what `Connection` and `LoopPort` do in the server. Loop 0 is the hub's own; from any
/// other, events and writes take a hop, in their order.
final class SimHubConnection: SimEnd {
  enum Output {
    case live([UInt8], after: Int64)
    case catchUp([UInt8])
    case reply([UInt8])
    case confirm
    case welcomed
    case consumed(Int)
    case close
  }

  let id: SessionID
  private unowned let world: World
  private let connection: SimConnection
  private let loop: Int
  private var lastToHub: Int64 = 0
  private var lastFromHub: Int64 = 0
  private var outgoing: [Output] = []

  private enum Happening {
    case bytes([UInt8])
    case ended, lost
  }

  private var intake = LineIntake()
  private var isParsing = false
  /// What happened to the connection and wasn't acted on yet, as in `Connection`.
  private var happened: [Happening] = []
  private var isActing = false
  /// Batches that the hub isn't done with.
  private var batches = 0
  private var isStalled = false
  private var wantsMore = false
  private var isClosing = false
  private var isGone = false
  private var holdsRead = false
  private var isWritable = true

  init(_ id: SessionID, _ world: World, _ connection: SimConnection, loop: Int) {
    self.id = id
    self.world = world
    self.connection = connection
    self.loop = loop
    connection.up.receiver = self
    connection.down.sender = self
  }

  var backlog: Int { connection.down.pending }

  // MARK: Between the loops

  func submit(_ event: HubEvent) { toHub { $0.enqueue(event) } }

  private func toHub(_ action: @escaping (SimHub) -> Void) {
    guard loop != 0 else { return action(world.hub) }
    lastToHub = max(lastToHub, world.clock.now + world.random.within(world.scenario.hop))
    hop(at: lastToHub) { action($0.world.hub) }
  }

  private func hop(at time: Int64, _ action: @escaping (SimHubConnection) -> Void) {
    let process = world.hub.process
    world.clock.after(time - world.clock.now) { [self] in
      if world.hub.process == process, world.hub.isRunning { action(self) }
    }
  }

  /// On the hub's loop: written at once or with the batch.
  func take(_ output: Output) {
    if loop == 0 { put(output) } else { outgoing.append(output) }
  }

  /// On the hub's loop, after a round of effects.
  func deliver() {
    if loop == 0 { return flush() }
    guard !outgoing.isEmpty else { return }
    let batch = outgoing
    outgoing = []
    lastFromHub = max(lastFromHub, world.clock.now + world.random.within(world.scenario.hop))
    hop(at: lastFromHub) { connection in
      for output in batch { connection.put(output) }
      connection.flush()
    }
  }

  // MARK: Reading

  func received(_ bytes: [UInt8]) { happens(.bytes(bytes)) }

  private func happens(_ happening: Happening) {
    if isParsing {
      return world.violation(.trap, "what is read is parsed within the parsing of what was read before")
    }
    happened.append(happening)
    guard !isActing || world.bug == .callsOutOfParser else { return }
    isActing = true
    while !happened.isEmpty { act(on: happened.removeFirst()) }
    isActing = false
  }

  private func act(on happening: Happening) {
    guard !isGone else { return }
    switch happening {
    case .bytes(let bytes):
      parse(bytes)
      if mustWait {
        holdsRead = true
        connection.pause(connection.up)
      }
    case .ended: submit(.finished(id))
    case .lost:
      isGone = true
      connection.kill(connection.up)
      connection.kill(connection.down)
      toHub { [id] in $0.closed(id) }
    }
  }

  private func parse(_ bytes: [UInt8]) {
    intake.feed(bytes.span.bytes)
    let batch = intake.take()
    guard !batch.isEmpty else { return }
    if !connection.isHostile, batch.contains(where: { if case .frame = $0 { false } else { true } }) {
      world.violation(.garbled, "the hub can't read a client's line: \(batch)")
    }
    if world.bug == .multipliesUnchecked { for input in batch { multiply(input) } }
    batches += 1
    isParsing = world.bug == .callsOutOfParser
    submit(.received(id, batch))
    isParsing = false
  }

  /// As a hub would that counts in other units than its clients, and believes them.
  private func multiply(_ input: SessionInput) {
    guard case .frame(.got(let offset)) = input else { return }
    if offset.multipliedReportingOverflow(by: Int64(Chunk.size)).overflow {
      world.violation(.trap, "\(offset) times \(Chunk.size) is more than there are numbers")
    }
  }

  private var mustWait: Bool {
    !isWritable || world.hub.isCongested || intake.holdsRead || batches >= Self.batchesAtOnce
  }
  private static let batchesAtOnce = 2

  func resumeReading() {
    guard holdsRead, !mustWait else { return }
    holdsRead = false
    connection.resume(connection.up)
  }

  /// The client says nothing more: everything read is answered first.
  func ended() { happens(.ended) }

  func lost() { happens(.lost) }

  /// The process is gone.
  func crashed(isSilent: Bool) {
    isGone = true
    connection.kill(connection.up)
    if isSilent {
      connection.cut(clientNotices: world.random.within(100...world.scenario.halfOpen), hubNotices: 0)
    } else if world.random.chance(0.5) {
      connection.end(connection.down)
    } else {
      connection.cut(clientNotices: world.random.within(world.scenario.latency), hubNotices: 0)
    }
  }

  // MARK: Writing

  func put(_ output: Output) {
    guard !isGone, !isClosing else { return }
    switch output {
    case .live(let bytes, let after):
      if isStalled { return }
      guard isWritable else {
        if world.bug == .losesStalls { return }
        isStalled = true
        world.happenings[.stall] += 1
        return submit(.stalled(id, after: after))
      }
      write(bytes)
    case .catchUp(let bytes):
      isStalled = false
      wantsMore = true
      write(bytes)
    case .reply(let bytes): write(bytes)
    case .confirm: wantsMore = true
    case .welcomed: intake.welcomed()
    case .consumed(let count):
      batches -= count
      resumeReading()
    case .close: close()
    }
  }

  private func write(_ bytes: [UInt8]) {
    connection.write(bytes, on: connection.down)
    if backlog > world.scenario.highWatermark { isWritable = false }
  }

  private func flush() {
    if !isGone { askForMore() }
  }

  private func askForMore() {
    guard wantsMore || isStalled, isWritable else { return }
    wantsMore = false
    submit(.writable(id))
  }

  func drained() {
    if isGone { return }
    if !isWritable, backlog < world.scenario.lowWatermark {
      isWritable = true
      askForMore()
      resumeReading()
    }
    if isClosing, backlog == 0 { finishClosing() }
  }

  /// What was written before goes out first; a peer that doesn't take it is not waited for long.
  private func close() {
    isClosing = true
    intake.stopListening()
    if backlog == 0 { return finishClosing() }
    world.clock.after(3_000) { [self] in finishClosing() }
  }

  private func finishClosing() {
    guard !isGone else { return }
    connection.kill(connection.up)
    if backlog > 0 {
      connection.cut(clientNotices: world.random.within(world.scenario.latency), hubNotices: 0)
    } else {
      connection.end(connection.down)
    }
    isGone = true
    toHub { [id] in $0.closed(id) }
  }
}
