import QQJournal
import QQProtocol

/// What a store's answer is for.
enum Question: Sendable {
  /// `through`: what was known then of who is in which group holds up to here.
  case catchUp(session: SessionID, after: Seq, through: Seq)
  case locate(session: SessionID)
  case locateHistory(session: SessionID, ClientFrame.HistoryRequest)
  case history(session: SessionID, ClientFrame.HistoryRequest)

  var session: SessionID {
    switch self {
    case .catchUp(let id, _, _), .locate(let id), .locateHistory(let id, _), .history(let id, _): id
    }
  }
}

extension Hub {
  mutating func ask(_ question: Question) -> ReadToken {
    let token = ReadToken(number: nextToken)
    nextToken += 1
    questions[token] = question
    sessions[question.session]?.outstanding += 1
    return token
  }

  mutating func answered(_ token: ReadToken, _ page: Page) {
    guard let question = questions.removeValue(forKey: token) else { return }
    sessions[question.session]?.outstanding -= 1
    switch question {
    case .catchUp(let id, let after, let through): caughtUp(id, after: after, through: through, page)
    case .history(let id, let request): answerHistory(id, request, page)
    case .locate, .locateHistory: break
    }
    closeIfDone(question.session)
  }

  mutating func located(_ token: ReadToken, _ seq: Seq) {
    guard let question = questions.removeValue(forKey: token) else { return }
    sessions[question.session]?.outstanding -= 1
    switch question {
    case .locate(let id):
      guard let reading = sessions[id]?.reading, reading.position == .locating else { return }
      let start = min(seq, applied)
      sessions[id]?.reading?.position = .behind(after: start)
      answer(id, .ok(.init(ref: reading.ref, seq: start, isFollowing: reading.isFollowing)))
      pump(id)
    case .locateHistory(let id, var request):
      guard let user = sessions[id]?.user else { return }
      request.since = nil
      if request.after == nil && request.before == nil { request.after = seq }
      floorHistory(id, user, request, floor: seq)
    case .catchUp, .history: break
    }
    closeIfDone(question.session)
  }

  // MARK: Who

  /// Whether a session has asked for so much at once that more would fill the memory: a short question can have a long
  /// answer.
  mutating func isOverfed(_ id: SessionID, _ ref: Int64?) -> Bool {
    guard isAnswering(id), answers.writer.bytes.count >= configuration.catchUpBytes else { return false }
    answer(id, .error(.init(ref: ref, .quota, "read what was answered before you ask again")))
    return true
  }

  mutating func receive(_ who: ClientFrame.Who, from id: SessionID) {
    if isOverfed(id, who.ref) { return }
    guard !who.removed || isOwner(id) else {
      return answer(
        id, .error(.init(ref: who.ref, .notOwner, "only an owner of this hub\(owners) sees who was removed")))
    }
    for user in directory.users.values.sorted(by: { $0.row.nick < $1.row.nick }) where who.removed || !user.isRemoved {
      let sessions = readers[user.row.id] ?? []
      guard who.all || !sessions.isEmpty else { continue }
      let first = sessions.first.flatMap { self.sessions[$0] }
      let groups = user.stays.filter { $0.left == nil }.compactMap { directory.groups[$0.group]?.row.name }.sorted()
      answer(
        id,
        .user(
          .init(
            ref: who.ref, nick: user.row.nick, address: (first?.peer.address ?? user.row.address)?.description,
            online: !sessions.isEmpty, since: first?.reading?.since ?? user.row.seen,
            groups: ["@all"] + groups.map { "@" + $0 }, key: user.row.key.map(KeyText.fingerprint),
            client: first?.peer.isClassic == true ? "classic" : nil,
            isOwner: user.row.key.map(configuration.ownerKeys.contains) == true, removed: user.row.removed)))
    }
    if who.watch, !watchers.contains(id) { watchers.append(id) }
    answer(id, .ok(.init(ref: who.ref)))
  }

  // MARK: History

  mutating func receive(_ request: ClientFrame.HistoryRequest, from id: SessionID, _ user: UserID) {
    if let since = request.since {
      deliveries.append(.locate(since, ask(.locateHistory(session: id, request))))
    } else {
      floorHistory(id, user, request, floor: 0)
    }
  }

  private mutating func floorHistory(
    _ id: SessionID, _ user: UserID, _ request: ClientFrame.HistoryRequest, floor: Seq
  ) {
    let after = max(request.after ?? 0, floor)
    // What is appended until the store answers may be another's by then.
    let through = min(request.before.map { $0 - 1 } ?? .max, applied)
    guard var spans = spans(request, user, from: id) else { return }
    for index in spans.indices {
      spans[index].after = max(spans[index].after, after)
      spans[index].through = min(spans[index].through, through)
    }
    spans.removeAll { $0.after >= $0.through }
    let query = PageQuery(spans: spans, limit: Int(request.limit), newest: request.after == nil)
    deliveries.append(.page(query, ask(.history(session: id, request))))
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
      let others = directory.users.values.filter { other in
        other.row.address.map { configuration.address($0, matches: address) } == true
      }
      guard !others.isEmpty else { return refuseHistory(.address(target, users: []), user, request, from: id) }
      return others.map(\.row.id).sorted().map { ConversationSpan(.pair(user, $0), after: start) }
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
