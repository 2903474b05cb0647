import DequeModule
import QQProtocol

/// What a peer said, in its order, and that its connection couldn't read.
public enum SessionInput: Equatable, Sendable {
  case frame(ClientFrame)
  /// A line was refused by the codec. `isFatal`: the stream can't be trusted any more.
  case fault(FrameFault, isFatal: Bool)
  /// The header of a piece of a file, and its bytes.
  case piece(Chunk, [UInt8])
}

/// What a session said and nobody has looked at yet.
struct Inbox: Sendable {
  private var inputs: [SessionInput] = []
  private var next = 0
  /// Batches that came and aren't all looked at: their connection reads no further.
  private(set) var batches = 0

  var isEmpty: Bool { next == inputs.count }
  var count: Int { inputs.count - next }

  mutating func append(_ batch: [SessionInput]) {
    batches += 1
    if isEmpty { inputs = batch } else { inputs += batch }
  }

  mutating func popFirst() -> SessionInput? {
    guard next < inputs.count else { return nil }
    defer { next += 1 }
    return inputs[next]
  }

  /// How many batches have come, once all is looked at.
  mutating func finish() -> Int? {
    guard isEmpty, batches > 0 else { return nil }
    defer { self = Inbox() }
    return batches
  }

  /// What is still there is not looked at.
  mutating func clear() { self = Inbox() }
}

/// What a hub does at once, before it is the turn of others. A test takes less of it: what only a large hub would meet is
/// met by a small one then.
public struct TurnLimits: Equatable, Sendable {
  /// What all sessions together may cost before the network has its turn, and one of them before the next, in units of
  /// about a microsecond.
  public var round = 4_096
  public var turn = 1_024
  /// Lines of an answer that grows with how much the hub knows.
  public var lines = 128
  /// Bytes of answers that a session gets before its channel has to say that it takes more.
  public var answers = 256 << 10
  /// Segments of the tail that are looked at for a reader which is behind.
  public var segments = 2_048
  /// Messages of one session that are proposed before it is looked at whether it has to wait.
  public var sends = 64
  /// Users who are looked at for what nobody needs any more.
  public var users: UInt32 = 1_024

  public init() {}
}

/// Sessions take turns: a peer may say in one breath what takes the hub a second, and meanwhile nobody else would be
/// heard. What a turn may cost is counted in units of about a microsecond.
struct Turns: Sendable {
  /// Sessions that said something, in the order of their turns.
  private var waiting: Deque<SessionID> = []
  private var isWaiting: Set<SessionID> = []
  /// What all of them together may cost until others, the network among them, have had their turn.
  private var left = 0
  /// All that was ever spent: what a test counts.
  private(set) var spent = 0

  var isEmpty: Bool { waiting.isEmpty }
  var isOver: Bool { left <= 0 }

  /// Less than half is left of a round of so many units.
  func isLow(_ round: Int) -> Bool { left < round / 2 }

  mutating func begin(_ units: Int) { left = units }

  mutating func spend(_ units: Int) {
    left -= units
    spent += units
  }

  mutating func wait(_ id: SessionID) {
    if isWaiting.insert(id).inserted { waiting.append(id) }
  }

  mutating func next() -> SessionID? {
    guard let id = waiting.popFirst() else { return nil }
    isWaiting.remove(id)
    return id
  }
}

extension Hub {
  /// Others have had their turn: what sessions said may cost something again.
  public mutating func beginTurn() { turns.begin(configuration.turns.round) }

  /// `beginTurn` is due, once others have had their turn: somebody waits for it, or hardly anything is left of this round.
  public var needsTurn: Bool { hasWork || turns.isLow(configuration.turns.round) }

  /// Somebody, or some work of the hub's own, waits for a turn: `HubEvent.turn` gives it.
  public var hasWork: Bool { !turns.isEmpty || pruning != nil }

  mutating func receive(_ batch: [SessionInput], from id: SessionID) {
    guard sessions[id] != nil else { return }
    sessions[id]?.inbox.append(batch)
    turns.wait(id)
  }

  /// Something that a session waited for has come.
  mutating func goOn(_ id: SessionID) {
    guard let session = sessions[id], !session.isClosing else { return }
    let hasWork = !session.inbox.isEmpty || session.job != nil
    if session.scansTail || hasWork && !isHeld(id, session) { turns.wait(id) }
  }

  /// Whether what a session says has to wait; until its channel has taken more, too, when this event has answered enough.
  private func isHeld(_ id: SessionID, _ session: Session) -> Bool {
    session.isHeld || session.answered + answers.pending(id) >= configuration.turns.answers
  }

  /// Lets those who wait have their turns, until it is the turn of others.
  mutating func takeTurns() {
    while !turns.isOver, let id = turns.next() { takeTurn(id) }
  }

  private mutating func takeTurn(_ id: SessionID) {
    guard var inbox = sessions[id]?.inbox else { return }
    // Whatever it comes to, others have their turns.
    turns.spend(1)
    let start = turns.spent
    var sending: Sending?
    // Taken out, so that nothing is copied.
    sessions[id]?.inbox.clear()
    while turns.spent - start < configuration.turns.turn {
      guard let session = sessions[id], !session.isClosing else {
        inbox.clear()
        break
      }
      if session.scansTail {
        endSending(&sending)
        sessions[id]?.scansTail = false
        pump(id)
        continue
      }
      if isHeld(id, session) { break }
      if session.job != nil {
        endSending(&sending)
        work(id)
        continue
      }
      guard let input = inbox.popFirst() else { break }
      if case .frame(.send(let send)) = input, session.user != nil {
        // A stream of sends is what makes a hub busy: its sender is looked up once.
        if sending == nil { sending = self.sending(id) }
        if sending != nil {
          receive(send, &sending)
          continue
        }
      }
      endSending(&sending)
      receive(input, from: id)
    }
    endSending(&sending)
    if let batches = inbox.finish() { deliveries.append(.consumed(id, batches: batches)) }
    sessions[id]?.inbox = inbox
    goOn(id)
    closeIfDone(id)
  }

  private mutating func receive(_ input: SessionInput, from id: SessionID) {
    switch input {
    case .frame(let frame):
      turns.spend(2)
      receive(frame, from: id)
    case .fault(let fault, let isFatal):
      turns.spend(4)
      answer(id, .error(.init(ref: fault.ref, fault.code, fault.message)))
      if isFatal { close(id) }
    case .piece(let chunk, let bytes):
      turns.spend(16)
      receive(chunk, bytes, from: id)
    }
  }
}
