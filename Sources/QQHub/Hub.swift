import QQJournal
import QQProtocol

/// The hub: a state machine over an ordered journal. It has no clock, no random source, no file and no socket; events
/// come in, effects go out.
///
///     frame ──▶ proposal ──append──▶ journal ──committed──▶ apply ──▶ answers, deliveries, projection
///
/// Only applying decides. What is checked before the append saves work and decides nothing.
public struct Hub: Sendable {
  public internal(set) var configuration: HubConfiguration
  let epoch: String
  var directory: Directory
  /// The seq of the newest record that was applied.
  public internal(set) var applied: Seq
  /// The hub's time: the clock's, which never goes back here.
  public internal(set) var now: Timestamp
  var recent = RecentIDs()
  var receipts = Receipts()
  var files: Files
  var tail: Tail

  var sessions: [SessionID: Session] = [:]
  /// Sessions that a user has ready, and of these the ones that have everything and are written to at once; both in
  /// ascending order.
  var readers: [UserID: [SessionID]] = [:]
  var live: [UserID: [SessionID]] = [:]
  var everyoneLive: [SessionID] = []
  /// Who is here, by user and by where they come from.
  var present = PresentSessions()
  /// Users with a session that reads: in the order of their nicks, and where they are.
  var online = NickOrder()
  var places = Places()
  var turns = Turns()
  var watchers: [SessionID] = []
  /// Sessions whose peer has said its last.
  var finished: Set<SessionID> = []
  /// Who moves which cursor.
  var holders: [CursorKey: SessionID] = [:]
  var moves: [CursorKey: Seq] = [:]
  /// The same, handed to the journal.
  var movesUnderWay: [CursorKey: Seq] = [:]
  var movesDue: Timestamp?

  /// Records that were handed to the journal and haven't come back.
  public internal(set) var uncommitted = 0
  /// Of these, the ones that change who is who.
  var uncommittedChanges = 0

  /// Senders that asked for receipts with a record that is on its way.
  var wantsReceipts: Set<ReceiptKey> = []
  var questions: [ReadToken: Asked] = [:]
  var storeQueue = StoreQueue()
  var nextToken: UInt64 = 1

  var backingUp: BackingUp?
  /// Users of whom something goes that is about removed messages.
  var pruning: Pruning?
  var prunedThrough: Seq = 0
  /// It isn't known any more who was in which group long ago.
  var hasPruned: Bool

  /// New users by where they come from, and joins by who joins.
  var newcomers = TokenBuckets<IPAddress>()
  var joins = TokenBuckets<UserID>()
  /// The journal's disk has no room for what users say.
  var isFull = false

  /// How often what was refused, by the error's code.
  public private(set) var refusals: [String: Int] = [:]

  var proposals: [Record] = []
  var answers = Answers()
  var deliveries: [Effect] = []
  var closing: [SessionID] = []
  var builder = SegmentBuilder()

  struct CursorKey: Hashable, Sendable {
    var user: UserID
    var name: String
  }

  public init(_ configuration: HubConfiguration, _ snapshot: Snapshot) {
    self.configuration = configuration
    epoch = snapshot.epoch
    directory = Directory(snapshot)
    files = Files(snapshot)
    applied = snapshot.applied
    now = snapshot.time
    hasPruned = snapshot.floor > 1
    tail = Tail(coveredAfter: snapshot.applied, capacity: configuration.tailCapacity)
    for user in snapshot.users where user.key == nil { directory.forget(user.id) }
    // What was about to go when the hub ended.
    for seq in files.all.keys { discardIfSaved(seq) }
    beginTurn()
  }

  /// When `tick` wants to be called; nil while nothing waits.
  public var deadline: Timestamp? {
    guard let discards = files.discardDue else { return movesDue }
    return min(movesDue ?? discards, discards)
  }

  /// The files that the hub keeps, for the spool to compare with what it has.
  public var keptFiles: [KeptFile] { files.kept }

  public var sessionCount: Int { sessions.count }

  public mutating func setLocal(addresses: Set<IPAddress>, interfaces: [CIDR]) {
    configuration.localAddresses = addresses
    configuration.interfaces = interfaces
  }

  /// Takes one event in and gives what is to be done. `now` never goes back: an earlier one counts as the last.
  public mutating func receive(_ event: HubEvent, now: Timestamp) -> [Effect] {
    self.now = max(self.now, now)
    switch event {
    case .opened(let id, let peer): sessions[id] = Session(peer: peer)
    case .received(let id, let batch): receive(batch, from: id)
    case .turn: break
    case .finished(let id):
      if sessions[id] != nil { finished.insert(id) }
      closeIfDone(id)
    case .closed(let id): closed(id)
    case .turnedAway(let code, let address):
      refusals[code.rawValue, default: 0] += 1
      note(.refused(code: code.rawValue, nick: nil, key: nil, address))
    case .stalled(let id, let seq): stalled(id, after: seq)
    case .writable(let id):
      pump(id)
      writableFile(id)
      tookAnswers(id)
    case .committed(let batch): apply(batch)
    case .refused(let records): refused(records)
    case .page(let token, let page): answered(token, page)
    case .located(let token, let seq): located(token, seq)
    case .spooled(let answer): spooled(answer)
    case .backedUp(let outcome): backedUp(outcome)
    case .expire(let time): expire(before: time)
    case .removed(let floor): removed(before: floor)
    case .tick(let deadline): self.now = max(self.now, deadline)
    }
    takeTurns()
    prune()
    return finish()
  }

  mutating func receive(_ frame: ClientFrame, from id: SessionID) {
    guard let session = sessions[id] else { return }
    switch session.phase {
    case .greeting:
      if case .hello(let hello) = frame { return receive(hello, from: id) }
      fail(id, .helloExpected, "say hello first")
    // It waits for its welcome.
    case .admitting, .closing: break
    case .ready(let user):
      switch frame {
      case .send(let send):
        var sending = self.sending(id)
        receive(send, &sending)
        endSending(&sending)
      case .ack(let seq): acknowledged(id, user, seq)
      case .ping(let ref): answer(id, .pong(ref: ref))
      case .listen(let listen): receive(listen, from: id, user)
      case .cursor(let ref, let name): receiveCursor(ref, name, from: id, user)
      case .who(let who): receive(who, from: id)
      case .join(let ref, let group): receiveJoin(ref, group, from: id, user)
      case .leave(let ref, let group): receiveLeave(ref, group, from: id, user)
      case .nick(let ref, let nick): receiveNick(ref, nick, from: id, user)
      case .history(let request): receive(request, from: id, user)
      case .upload(let ref, let file): receiveUpload(ref, file, from: id, user)
      case .finish(let ref, let size, let hash): receiveFinish(ref, size, hash, from: id)
      case .get(let get): receive(get, from: id, user)
      case .withdraw(let ref, let file): receiveWithdraw(ref, file, from: id, user)
      case .got(let offset): receiveGot(offset, from: id, user)
      case .saved(let ref, let seq): receiveSaved(ref, seq, from: id, user)
      case .files(let ref, let after): receiveFiles(ref, after: after, from: id, user)
      case .invite(let ref, let hash, let nick, let lifetime):
        receiveInvite(ref, hash: hash, nick: nick, lifetime: lifetime, from: id, user)
      case .invites(let ref): receiveInvites(ref, from: id, user)
      case .revoke(let ref, let invite): receiveRevoke(ref, invite, from: id, user)
      case .remove(let ref, let user): receiveRemove(ref, user, from: id)
      case .restore(let ref, let user): receiveRestore(ref, user, from: id)
      case .status(let ref): receiveStatus(ref, from: id)
      case .backup(let ref, let keep): receiveBackup(ref, keep: keep, from: id)
      case .put: fail(id, .badField, "a piece of a file came without its bytes")
      case .hello:
        answer(id, .error(.init(.badField, "this session has said hello already")))
      }
    }
  }

  // MARK: Answers

  mutating func answer(_ id: SessionID, _ frame: HubFrame) {
    guard isAnswering(id) else { return }
    if case .error(let failure) = frame {
      refusals[failure.code, default: 0] += 1
      if failure.code == ErrorCode.notOwner.rawValue, let peer = sessions[id]?.peer {
        note(.denied(nick: nick(of: id), peer.address))
      }
    }
    frame.encode(into: &answers.writer)
  }

  /// Whether there is somebody to answer; `answers.writer` is that session's then.
  @inline(__always)
  mutating func isAnswering(_ id: SessionID) -> Bool {
    if answers.current == id { return true }
    guard let session = sessions[id], !session.isClosing else { return false }
    answers.turn(to: id)
    return true
  }

  /// An error after which the session ends.
  mutating func fail(_ id: SessionID, _ code: ErrorCode, _ message: String) {
    if let session = sessions[id], session.user == nil, !session.isClosing {
      note(.refused(code: code.rawValue, nick: session.wanted, key: session.peer.key, session.peer.address))
    }
    answer(id, .error(.init(code, message)))
    close(id)
  }

  mutating func close(_ id: SessionID) {
    guard let session = sessions[id], !session.isClosing else { return }
    closing.append(id)
    stopReading(id)
    endTransfer(id)
    sessions[id]?.phase = .closing
    // Nothing of what it asked for is gone on with.
    sessions[id]?.inbox.clear()
    sessions[id]?.job = nil
    sessions[id]?.scansTail = false
    answers.turn(to: nil)
  }

  /// A session whose peer has said its last closes once everything is answered.
  mutating func closeIfDone(_ id: SessionID) {
    guard !finished.isEmpty, finished.contains(id), sessions[id]?.isDone == true else { return }
    close(id)
  }

  private mutating func closed(_ id: SessionID) {
    // Nothing is written to it any more, that it is gone included.
    if sessions[id]?.isWatching == true { watchers.removeAll { $0 == id } }
    stopReading(id)
    endTransfer(id)
    present.remove(id, sessions[id])
    receipts.closed(id)
    files.closed(id)
    finished.remove(id)
    let user = sessions[id]?.welcomedAs
    sessions[id] = nil
    if let user { forgetIfGone(user) }
    answers.turn(to: nil)
  }

  /// A guest is whoever uses the nick just now: what was said to this one is not for the next, and nobody keeps a row
  /// for somebody who can't prove to come back.
  mutating func forgetIfGone(_ user: UserID) {
    if directory[user]?.isGuest == true, present.sessions(of: user).isEmpty { directory.forget(user) }
  }

  // MARK: Records

  /// Stands in an origin for what no session asked for: sessions are counted from 1.
  static let nobody: SessionID = 0
  /// Stands in an origin where the request had none: no client's number can be this one.
  static let noRef = Int64.min

  /// The caller counts it as outstanding.
  mutating func proposeMessage(_ body: MessageBody, from session: SessionID, ref: Int64?) {
    uncommitted += 1
    let origin = Origin(hub: configuration.instance, session: session, ref: ref ?? Self.noRef)
    proposals.append(Record(time: now, origin: origin, body: .message(body)))
  }

  mutating func propose(_ body: Record.Body, from session: SessionID, ref: Int64?) {
    uncommittedChanges += 1
    uncommitted += 1
    sessions[session]?.outstanding += 1
    let origin = Origin(hub: configuration.instance, session: session, ref: ref ?? Self.noRef)
    proposals.append(Record(time: now, origin: origin, body: body))
  }

  /// Gathers what this event asked for: answers first, then deliveries in seq order, then what is stored and read.
  private mutating func finish() -> [Effect] {
    flushSegment()
    proposeMoves()
    proposeDiscards()
    askStore()
    var effects: [Effect] = []
    for (id, bytes) in answers.take() {
      effects.append(.reply(id, bytes))
      if answered(id, bytes.count) { effects.append(.confirm(id)) }
    }
    effects.append(contentsOf: deliveries)
    deliveries.removeAll(keepingCapacity: true)
    if !proposals.isEmpty {
      effects.append(.append(proposals))
      proposals = []
    }
    for id in closing { effects.append(.close(id)) }
    closing.removeAll(keepingCapacity: true)
    return effects
  }
}
