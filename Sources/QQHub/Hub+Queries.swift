import QQJournal
import QQProtocol

extension Hub {
  /// Asked of the store when it is this user's turn.
  mutating func ask(_ question: Question, of user: UserID) {
    sessions[question.session]?.outstanding += 1
    if question.holdsSession { sessions[question.session]?.questions += 1 }
    storeQueue.append(question, of: user)
  }

  /// Hands the store what it has time for. Whoever has gone meanwhile wants to know nothing any more.
  mutating func askStore() {
    while let question = storeQueue.next() {
      guard let user = sessions[question.session]?.user else { continue }
      let token = ReadToken(number: nextToken)
      switch question {
      case .catchUp(_, let after):
        // The store may know more by the time it answers, for instance a message to a group that the user has left or
        // joined since: the question ends where its knowledge ends.
        var spans = directory.spans(user, after: after)
        for index in spans.indices { spans[index].through = min(spans[index].through, applied) }
        deliveries.append(.page(PageQuery(spans: spans, limit: PageQuery.maximumLimit), token))
      case .locate(_, let time), .locateHistory(_, let time, _): deliveries.append(.locate(time, token))
      case .history(let id, let request, let floor):
        guard let query = historyQuery(id, user, request, floor: floor) else {
          settled(question)
          continue
        }
        deliveries.append(.page(query, token))
      }
      nextToken += 1
      storeQueue.asked()
      // What was known of groups when it was asked holds up to here.
      questions[token] = Asked(question: question, through: applied)
    }
  }

  struct Asked: Sendable {
    var question: Question
    var through: Seq
  }

  private mutating func settled(_ question: Question) {
    let id = question.session
    sessions[id]?.outstanding -= 1
    if question.holdsSession { sessions[id]?.questions -= 1 }
    goOn(id)
    closeIfDone(id)
  }

  mutating func answered(_ token: ReadToken, _ page: Page) {
    guard let asked = questions.removeValue(forKey: token) else { return }
    storeQueue.answered()
    switch asked.question {
    case .catchUp(let id, let after): caughtUp(id, after: after, through: asked.through, page)
    case .history(let id, let request, _): answerHistory(id, request, page)
    case .locate, .locateHistory: break
    }
    settled(asked.question)
  }

  mutating func located(_ token: ReadToken, _ seq: Seq) {
    guard let asked = questions.removeValue(forKey: token) else { return }
    storeQueue.answered()
    switch asked.question {
    case .locate(let id, _):
      if let reading = sessions[id]?.reading, reading.position == .locating {
        let start = min(seq, applied)
        sessions[id]?.reading?.position = .behind(after: start)
        answer(id, .ok(.init(ref: reading.ref, seq: start, isFollowing: reading.isFollowing)))
        pump(id)
      }
    case .locateHistory(let id, _, var request):
      if let user = sessions[id]?.user {
        request.since = nil
        if request.after == nil && request.before == nil { request.after = seq }
        ask(.history(session: id, request, floor: seq), of: user)
      }
    case .catchUp, .history: break
    }
    settled(asked.question)
  }

  // MARK: Who

  mutating func receive(_ who: ClientFrame.Who, from id: SessionID) {
    guard !who.removed || isOwner(id) else {
      return answer(
        id, .error(.init(ref: who.ref, .notOwner, "only an owner of this hub\(owners) sees who was removed")))
    }
    if who.watch, sessions[id]?.isWatching == false {
      sessions[id]?.isWatching = true
      watchers.append(id)
    }
    sessions[id]?.job = .who(who, after: nil)
  }

  /// Goes on with listing users, in the order of their nicks, behind the one that was listed last.
  mutating func list(_ who: ClientFrame.Who, after place: NickOrder.Entry?, for id: SessionID) {
    let order = who.all || who.removed ? directory.byNick : online
    var last = place
    for entry in order.entries[order.index(after: place)...].prefix(configuration.turns.lines) {
      last = entry
      turns.spend(1)
      guard let user = directory[entry.id], who.removed || !user.isRemoved else { continue }
      turns.spend(8 + user.stays.count / 4)
      answer(id, .user(line(user, who.ref)))
    }
    if let last, order.index(after: last) < order.entries.count {
      sessions[id]?.job = .who(who, after: last)
    } else {
      sessions[id]?.job = nil
      answer(id, .ok(.init(ref: who.ref)))
    }
  }

  private func line(_ user: Directory.User, _ ref: Int64?) -> HubFrame.User {
    let sessions = readers[user.row.id] ?? []
    let first = sessions.first.flatMap { self.sessions[$0] }
    let groups = user.stays.filter { $0.left == nil }.compactMap { directory.groups[$0.group]?.row.name }.sorted()
    return HubFrame.User(
      ref: ref, nick: user.row.nick, address: (first?.peer.address ?? user.row.address)?.description,
      online: !sessions.isEmpty, since: first?.reading?.since ?? user.row.seen,
      groups: ["@all"] + groups.map { "@" + $0 }, key: user.row.key.map(KeyText.fingerprint),
      client: first?.peer.isClassic == true ? "classic" : nil,
      isOwner: user.row.key.map(configuration.ownerKeys.contains) == true, removed: user.row.removed)
  }

  // MARK: History

  /// Users at one address whose conversations are looked through.
  private static let historyAddressUsers = 256

  mutating func receive(_ request: ClientFrame.HistoryRequest, from id: SessionID, _ user: UserID) {
    if let since = request.since {
      ask(.locateHistory(session: id, since, request), of: user)
    } else {
      ask(.history(session: id, request, floor: 0), of: user)
    }
  }

  /// nil where the request names nobody, which is answered.
  private mutating func historyQuery(
    _ id: SessionID, _ user: UserID, _ request: ClientFrame.HistoryRequest, floor: Seq
  ) -> PageQuery? {
    let after = max(request.after ?? 0, floor)
    // What is appended until the store answers may be another's by then.
    let through = min(request.before.map { $0 - 1 } ?? .max, applied)
    guard var spans = spans(request, user, from: id) else { return nil }
    for index in spans.indices {
      spans[index].after = max(spans[index].after, after)
      spans[index].through = min(spans[index].through, through)
    }
    spans.removeAll { $0.after >= $0.through }
    return PageQuery(spans: spans, limit: Int(request.limit), newest: request.after == nil)
  }

  /// The conversations a request is about; nil where it names nobody, which is answered.
  private mutating func spans(
    _ request: ClientFrame.HistoryRequest, _ user: UserID, from id: SessionID
  ) -> [ConversationSpan]? {
    // A guest's nick is anybody's: what was said to or by whoever had it before is not for the next one.
    let isGuest = directory[user]?.isGuest != false
    let readable = directory.spans(user, after: 0).filter { !isGuest || $0.conversation == .everyone }
    guard let target = request.target else {
      if isGuest { return readable }
      return readable + [ConversationSpan(.sent(user), after: directory[user]?.row.start ?? 0)]
    }
    if RecordTarget.isEverybody(String(target.dropFirst())), target.utf8.first == UInt8(ascii: "@") {
      return readable.filter { $0.conversation == .everyone }
    }
    if target.utf8.first == UInt8(ascii: "@") {
      guard let group = directory.group(String(target.dropFirst())) else {
        return refuseHistory(.group(String(target.dropFirst())), user, request, from: id)
      }
      let spans = readable.filter { $0.conversation == .group(group.row.id) }
      return spans.isEmpty ? refuseHistory(.group(group.row.name), user, request, from: id) : spans
    }
    if isGuest {
      answer(id, .error(.init(ref: request.ref, .guest, "a guest reads what was said to @all alone: connect with TLS")))
      return nil
    }
    let start = directory[user]?.row.start ?? 0
    if let address = IPAddress(target) {
      let others = directory.users(at: address, configuration)
      guard !others.isEmpty else { return refuseHistory(.address(target, users: []), user, request, from: id) }
      return others.prefix(Self.historyAddressUsers).map { ConversationSpan(.pair(user, $0), after: start) }
    }
    guard let other = directory.user(nick: target) else {
      return refuseHistory(.nick(target), user, request, from: id)
    }
    return [ConversationSpan(.pair(user, other), after: start)]
  }

  private mutating func refuseHistory(
    _ target: RecordTarget, _ user: UserID, _ request: ClientFrame.HistoryRequest, from id: SessionID
  ) -> [ConversationSpan]? {
    guard let address = sessions[id]?.peer.address else { return nil }
    turns.spend(Self.lookForName)
    let failure = failure(target, user, from: address)
    answer(id, .error(.init(ref: request.ref, code: failure.code, message: failure.message, to: failure.target)))
    return nil
  }

  private mutating func answerHistory(_ id: SessionID, _ request: ClientFrame.HistoryRequest, _ page: Page) {
    // An answer is bounded in bytes too; what doesn't fit is asked for again.
    var records = page.records
    var bytes = 0
    let isNewest = request.after == nil
    var kept = 0
    for committed in isNewest ? records.reversed() : records {
      bytes += committed.textBytes + 256
      if bytes > configuration.catchUpBytes, kept > 0 { break }
      kept += 1
    }
    let more = page.more || kept < records.count
    records = isNewest ? records.suffix(kept) : Array(records.prefix(kept))
    for committed in records {
      if let event = event(committed) { answer(id, event) }
    }
    answer(id, .ok(.init(ref: request.ref, more: more)))
  }
}

extension Committed {
  fileprivate var textBytes: Int {
    if case .message(let body) = record.body { return body.text.utf8.count }
    return 0
  }
}
