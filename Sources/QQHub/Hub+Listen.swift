import DequeModule
import QQJournal
import QQProtocol

/// Reading: where a session stands, how it catches up, and the cursor it moves.
///
///     locating ──seq──▶ behind ◀──▶ paging        the tail doesn't reach back that far
///                        │  ▲
///            has it all  ▼  │ its channel is full
///                        live
extension Hub {
  mutating func receive(_ listen: ClientFrame.Listen, from id: SessionID, _ user: UserID) {
    guard sessions[id]?.reading == nil else {
      return answer(id, .error(.init(ref: listen.ref, .badField, "this session listens already")))
    }
    let name = listen.cursor ?? "listen"
    let key = CursorKey(user: user, name: name)
    var reading = Reading(
      ref: listen.ref, cursor: name, reader: listen.reader, wantsHold: listen.holds, position: .locating, since: now,
      tellsLive: listen.tellsLive)
    // Before a lost connection of the same reader ends: the user was never gone.
    begin(id, user, reading)
    reading.holds = listen.holds && hold(key, id, reader: listen.reader)
    var start: Seq = applied
    switch listen.after {
    case .now: break
    case .seq(let seq):
      start = min(seq, applied)
      reading.tellsGaps = seq > 0
    case .unread:
      if directory[user]?.isGuest == false { start = cursor(key) ?? directory[user]?.row.start ?? 0 }
    case .time(let time):
      sessions[id]?.reading = reading
      return ask(.locate(session: id, time), of: user)
    }
    reading.position = .behind(after: start)
    sessions[id]?.reading = reading
    answer(id, .ok(.init(ref: listen.ref, seq: start, isFollowing: reading.isFollowing)))
    pump(id)
  }

  /// Where a reader of this name goes on, without reading.
  mutating func receiveCursor(_ ref: Int64?, _ name: String?, from id: SessionID, _ user: UserID) {
    let seq = cursor(CursorKey(user: user, name: name ?? "listen")) ?? directory[user]?.row.start ?? 0
    answer(id, .ok(.init(ref: ref, seq: directory[user]?.isGuest == false ? seq : applied)))
  }

  private mutating func begin(_ id: SessionID, _ user: UserID, _ reading: Reading) {
    sessions[id]?.reading = reading
    let wasOnline = readers[user] != nil
    readers[user, default: []].insertSorted(id)
    guard let address = sessions[id]?.peer.address else { return }
    places.insert(user, at: address)
    if !wasOnline {
      if let nick = directory[user]?.row.nick { online.insert(nick, user) }
      announce(user, address, online: true)
    }
    saw(user, at: address)
  }

  /// Keeps where and when a user was last here, to the minute: who comes every second isn't a record every second.
  private mutating func saw(_ user: UserID, at address: IPAddress) {
    guard let row = directory[user]?.row, row.key != nil else { return }
    if row.address == address, let seen = row.seen, now - seen < 60_000 { return }
    propose(.seen(user, address: address), from: Self.nobody, ref: nil)
  }

  /// Takes a cursor for a session; false where another reader has it. The same reader, connected again, takes over
  /// from the connection it lost.
  private mutating func hold(_ key: CursorKey, _ id: SessionID, reader: String?) -> Bool {
    if let holder = holders[key], holder != id, let other = sessions[holder]?.reading {
      guard let reader, other.reader == reader else { return false }
      holders[key] = id
      fail(holder, .replaced, "this reader is connected again")
    }
    holders[key] = id
    return true
  }

  mutating func stopReading(_ id: SessionID) {
    guard let session = sessions[id], let reading = session.reading, let user = session.user else { return }
    setLive(id, user, false)
    sessions[id]?.reading = nil
    let key = CursorKey(user: user, name: reading.cursor)
    readers[user]?.removeAll { $0 == id }
    if holders[key] == id {
      holders[key] = nil
      promote(key)
    }
    places.remove(user, at: session.peer.address)
    if readers[user]?.isEmpty == true {
      readers[user] = nil
      if let nick = directory[user]?.row.nick { online.remove(nick, user) }
      announce(user, session.peer.address, online: false)
      saw(user, at: session.peer.address)
    }
  }

  /// The oldest of those who follow a cursor moves it from here on, and is told by another `ok`.
  private mutating func promote(_ key: CursorKey) {
    let next = readers[key.user]?.first { id in
      sessions[id]?.reading.map { $0.cursor == key.name && $0.wantsHold } == true
    }
    guard let next, let reading = sessions[next]?.reading else { return }
    holders[key] = next
    sessions[next]?.reading?.holds = true
    // Where it stands isn't known yet, it is told then.
    if reading.position != .locating { answer(next, .ok(.init(ref: reading.ref))) }
  }

  private mutating func announce(_ user: UserID, _ address: IPAddress, online: Bool) {
    guard let nick = directory[user]?.row.nick else { return }
    turns.spend(watchers.count)
    for watcher in watchers {
      answer(watcher, .presence(.init(time: now, nick: nick, address: address.description, online: online)))
    }
  }

  // MARK: Catching up

  private mutating func setLive(_ id: SessionID, _ user: UserID, _ isLive: Bool) {
    if isLive {
      live[user, default: []].insertSorted(id)
      everyoneLive.insertSorted(id)
    } else {
      live[user]?.removeAll { $0 == id }
      if live[user]?.isEmpty == true { live[user] = nil }
      everyoneLive.removeSorted(id)
    }
  }

  mutating func stalled(_ id: SessionID, after seq: Seq) {
    guard let session = sessions[id], let user = session.user, session.reading?.position == .live else { return }
    setLive(id, user, false)
    sessions[id]?.reading?.position = .behind(after: seq)
  }

  /// Writes what a session is behind with, as much as its channel should get at once.
  mutating func pump(_ id: SessionID) {
    guard let session = sessions[id], let user = session.user, !session.scansTail,
      case .behind(var after)? = session.reading?.position
    else { return }
    if after < max(tail.coveredAfter, session.sentBefore) {
      sessions[id]?.reading?.position = .paging(after: after)
      ask(.catchUp(session: id, after: after), of: user)
      return
    }
    // What this event has gathered so far belongs to the tail as well.
    flushSegment()
    var budget = configuration.catchUpBytes
    var index = tail.index(after: after)
    let row = directory[user]?.row
    let start = row?.start ?? 0
    var wroteSomething = false
    // Segments that are for others cost something too.
    var segmentsLeft = configuration.turns.segments
    while index < tail.segments.count, budget > 0, segmentsLeft > 0 {
      segmentsLeft -= 1
      let segment = tail.segments[index]
      if segment.audience.includes(user, id), segment.last > start,
        !segment.audience.isEveryone || row?.hears(at: segment.last) != false
      {
        let bytes = segment.range(after: max(after, start))
        deliveries.append(
          .write(Write(segment: segment.number, bytes: bytes, after: after, sessions: [id], isCatchUp: true)))
        budget -= bytes.count
        wroteSomething = true
      }
      after = segment.last
      index += 1
    }
    turns.spend(1 + (configuration.turns.segments - segmentsLeft) / 8)
    // Whoever was written something asks for more when its channel has taken that.
    if index < tail.segments.count, segmentsLeft == 0, !wroteSomething {
      sessions[id]?.reading?.position = .behind(after: after)
      sessions[id]?.scansTail = true
      turns.wait(id)
      return
    }
    // Its channel has to know that it isn't stalled any more.
    if !wroteSomething { deliveries.append(.catchUp(id, [])) }
    if index < tail.segments.count {
      sessions[id]?.reading?.position = .behind(after: after)
    } else {
      sessions[id]?.reading?.position = .live
      setLive(id, user, true)
      tellLive(id)
    }
  }

  /// Behind what it caught up with, unlike an answer, which would overtake that.
  private mutating func tellLive(_ id: SessionID) {
    guard let reading = sessions[id]?.reading, reading.tellsLive else { return }
    sessions[id]?.reading?.tellsLive = false
    var writer = JSONWriter(reserving: 64)
    HubFrame.ok(.init(ref: reading.ref, isFollowing: reading.isFollowing, isLive: true)).encode(into: &writer)
    deliveries.append(.catchUp(id, writer.bytes))
  }

  mutating func caughtUp(_ id: SessionID, after: Seq, through: Seq, _ page: Page) {
    guard let session = sessions[id], session.user != nil, case .paging(after)? = session.reading?.position else {
      return
    }
    var writer = JSONWriter(reserving: 64 << 10)
    if session.reading?.tellsGaps == true, after + 1 < page.floor {
      HubFrame.gap(from: after + 1, to: page.floor - 1).encode(into: &writer)
    }
    // A removal that comes later is news even to who asked for all that is kept.
    sessions[id]?.reading?.tellsGaps = true
    var reached = max(after, page.floor - 1)
    var isWhole = !page.more
    for committed in page.records {
      guard writer.bytes.count < configuration.catchUpBytes else {
        isWhole = false
        break
      }
      reached = committed.seq
      let origin = committed.record.origin
      if origin.session == id, origin.hub == configuration.instance { continue }
      event(committed)?.encode(into: &writer)
    }
    if isWhole { reached = max(reached, min(page.applied, through)) }
    sessions[id]?.reading?.position = .behind(after: reached)
    if writer.bytes.isEmpty {
      pump(id)
    } else {
      deliveries.append(.catchUp(id, writer.bytes))
    }
  }

  /// A record from the store as its readers see it. Its targets are shown as the sender gave them.
  func event(_ committed: Committed) -> HubFrame? {
    guard case .message(let body) = committed.record.body else { return nil }
    if let attachment = body.attachment { return Self.event(body, attachment, committed.seq, committed.record.time) }
    return .message(
      HubFrame.Message(
        id: body.id, seq: committed.seq, time: committed.record.time, from: body.from,
        address: body.address.description, to: body.targets.map(\.name), text: body.text, replyTo: body.replyTo))
  }

  // MARK: Cursors

  mutating func acknowledged(_ id: SessionID, _ user: UserID, _ seq: Seq) {
    guard let reading = sessions[id]?.reading, reading.holds else { return }
    let key = CursorKey(user: user, name: reading.cursor)
    let seq = min(seq, applied)
    guard seq > cursor(key) ?? 0 else { return }
    moves[key] = seq
    if movesDue == nil { movesDue = now + configuration.cursorDelay }
  }

  /// Where a cursor stands, moves that aren't committed yet included; nil where it never moved.
  private func cursor(_ key: CursorKey) -> Seq? {
    let seq = max(moves[key] ?? -1, movesUnderWay[key] ?? -1, directory[key.user]?.cursors[key.name] ?? -1)
    return seq < 0 ? nil : seq
  }

  /// Cursor moves ride with the next commit; where none comes, they are one themselves.
  mutating func proposeMoves() {
    guard let due = movesDue, !proposals.isEmpty && !isFull || now >= due else { return }
    let list = moves.sorted { ($0.key.user, $0.key.name) < ($1.key.user, $1.key.name) }.map {
      CursorMove(user: $0.key.user, name: $0.key.name, seq: $0.value)
    }
    movesUnderWay.merge(moves) { max($0, $1) }
    moves.removeAll(keepingCapacity: true)
    movesDue = nil
    propose(.cursors(list), from: Self.nobody, ref: nil)
  }
}

extension Array where Element: Comparable {
  mutating func insertSorted(_ element: Element) {
    let place = partitioningIndex { $0 >= element }
    if place == count || self[place] != element { insert(element, at: place) }
  }

  mutating func removeSorted(_ element: Element) {
    let place = partitioningIndex { $0 >= element }
    if place < count, self[place] == element { remove(at: place) }
  }
}
