import QQJournal
import QQProtocol

/// Who somebody is, and whether they may come in. Decided here, from what the channel proved, and nowhere else.
extension Hub {
  mutating func receive(_ hello: ClientFrame.Hello, from id: SessionID) {
    guard let peer = sessions[id]?.peer else { return }
    sessions[id]?.wanted = hello.nick.map { String(decoding: $0.utf8.prefix(64), as: UTF8.self) }
    guard hello.version == Int64(ProtocolLimits.version) else {
      return fail(id, .unsupportedProtocol, "this hub speaks protocol \(ProtocolLimits.version)")
    }
    let known = peer.key.flatMap(directory.user(key:))
    if let known, directory.isRemoved(known) { return fail(id, .removed, Self.removedMessage) }
    if let secret = hello.invite { return receive(hello, invite: secret, from: id, peer, known: known) }
    if let known {
      note(.entered(nick: directory[known]?.row.nick ?? "", key: peer.key, peer.address))
      return welcome(id, known)
    }
    if peer.key == nil, let refusal = plaintextRefusal(peer) {
      return fail(id, refusal.code, refusal.message)
    }
    if let key = peer.key, !configuration.ownerKeys.contains(key), !configuration.admits(peer.address) {
      return fail(
        id, .notAdmitted,
        "\(peer.address) is not admitted here: ask whoever runs this hub for an invite (qq accept takes it) or for "
          + "--admit \(peer.address)")
    }
    guard let nick = wantedNick(hello, id) else { return }
    // The same nick alone doesn't make it the same guest: only while that one is here.
    if peer.key == nil, let user = directory.user(nick: nick.text), directory[user]?.isGuest == true,
      !present.sessions(of: user).isEmpty
    {
      return welcome(id, user)
    }
    propose(
      AdmitBody(
        key: peer.key, nick: nick.text, isExplicit: hello.isExplicit && hello.nick != nil, address: peer.address,
        host: String((hello.host ?? "").prefix(64)), isOwner: isOwner(id)), from: id)
  }

  mutating func propose(_ body: AdmitBody, from id: SessionID) {
    let isKnown = body.key.flatMap(directory.user(key:)) != nil
    guard isKnown || directory.users.count < configuration.maximumUsers && directory.hasNumberForUser else {
      return fail(id, .tooManySessions, "this hub has as many users as it takes")
    }
    let isExpected = isKnown || body.invite != nil || body.isOwner
    guard isExpected || newcomers.take(body.address.source, now: now, configuration.newcomers) else {
      return fail(
        id, .tooManySessions,
        "so many new users came from \(body.address.source) that this hub takes no more just now: try again in a minute"
      )
    }
    sessions[id]?.phase = .admitting
    propose(.admit(body), from: id, ref: nil)
  }

  static let removedMessage = "this key was removed from this hub by an owner of it (qq admin restore lets it in again)"

  public static let plaintextRefused = "this hub takes TLS alone (it was started without --plaintext)"

  private func plaintextRefusal(_ peer: Peer) -> (code: ErrorCode, message: String)? {
    let address = peer.address
    if peer.isClassic {
      return configuration.admits(address) ? nil : (.notAdmitted, "\(address) is not admitted here")
    }
    switch configuration.plaintext {
    case .refused: return (.plaintextRefused, Self.plaintextRefused)
    case .loopback where !configuration.isLocal(address):
      return (.plaintextRefused, "this hub takes plaintext from its own machine alone (see --plaintext=lan)")
    case .admitted where !configuration.admits(address):
      return (.notAdmitted, "\(address) is not admitted here")
    case .loopback, .admitted: return nil
    }
  }

  mutating func wantedNick(_ hello: ClientFrame.Hello, _ id: SessionID) -> Nick? {
    guard let wanted = hello.nick else { return Nick.derived(from: "user", host: nil) }
    do {
      return try Nick(wanted)
    } catch {
      if hello.isExplicit {
        fail(id, .badNick, "\"\(wanted)\" can't be a nick: \(error.message)")
        return nil
      }
      return Nick.derived(from: wanted, host: nil)
    }
  }

  mutating func welcome(_ id: SessionID, _ user: UserID) {
    guard let peer = sessions[id]?.peer, let row = directory[user]?.row else { return }
    if let refusal = present.refusal(user, peer, isOwner: isOwner(id), configuration.sessions) {
      return fail(id, .tooManySessions, refusal)
    }
    present.insert(id, user, peer)
    sessions[id]?.welcomedAs = user
    sessions[id]?.phase = .ready(user)
    deliveries.append(.welcomed(id))
    answer(
      id,
      .welcome(
        .init(
          version: Int64(ProtocolLimits.version), hub: configuration.name, epoch: epoch, nick: row.nick,
          address: peer.address.description, seq: applied, isGuest: row.key == nil)))
  }

  // MARK: Applied

  mutating func apply(_ body: AdmitBody, at seq: Seq, time: Timestamp, from session: SessionID?) {
    let before = directory.users.count
    let outcome = Result { () throws(Refusal) in try admit(body, at: seq, time: time) }
    guard let session, case .admitting? = sessions[session]?.phase else {
      // A guest that is gone already.
      if case .success(let user) = outcome { forgetIfGone(user) }
      return
    }
    switch outcome {
    case .success(let user):
      if directory.users.count > before, let row = directory[user]?.row {
        note(.admitted(nick: row.nick, key: row.key, body.address, invite: body.invite.map(HubFrame.Invite.id)))
      }
      welcome(session, user)
      forgetIfGone(user)
    case .failure(let refusal): fail(session, refusal.code, refusal.message)
    }
  }

  /// Why somebody isn't let in.
  struct Refusal: Error, Equatable {
    var code: ErrorCode
    var message: String
  }

  /// The user that this key, or this guest, now is.
  private mutating func admit(_ body: AdmitBody, at seq: Seq, time: Timestamp) throws(Refusal) -> UserID {
    if let key = body.key, let known = directory.user(key: key) {
      if directory.isRemoved(known) { throw Refusal(code: .removed, message: Self.removedMessage) }
      if let hash = body.invite {
        if case .used(known, _)? = directory.invites[hash]?.end { return known }
        try check(invite: hash, at: time)
        use(invite: hash, by: known, at: time)
      }
      return known
    }
    if let hash = body.invite { try check(invite: hash, at: time) }
    guard let nick = freeNick(body, at: time) else {
      throw Refusal(code: .nickTaken, message: taken(body.nick) + ": choose another with --nick")
    }
    if let holder = directory.user(nick: nick), directory[holder]?.isGuest == true {
      if body.key == nil, !present.sessions(of: holder).isEmpty { return holder }
      evict(holder)
    }
    guard directory.hasNumberForUser else {
      throw Refusal(code: .tooManySessions, message: "this hub has had as many users as it can")
    }
    let user = directory.add(key: body.key, nick: nick, start: seq, address: body.address)
    if let hash = body.invite { use(invite: hash, by: user, at: time) }
    return user
  }

  /// A guest owns nothing: the name goes to a key, and whoever used it meanwhile is told.
  private mutating func evict(_ guest: UserID) {
    guard let nick = directory[guest]?.row.nick else { return }
    for id in present.sessions(of: guest) {
      fail(id, .nickTaken, "the nick \"\(nick)\" now belongs to a key")
    }
    directory.forget(guest)
  }

  /// Why a nick can't be had.
  private func taken(_ nick: String) -> String {
    guard let other = directory.lookAlike(nick) else { return "the nick \"\(nick)\" belongs to somebody else here" }
    return "the nick \"\(nick)\" looks like \"\(other.row.nick)\", who is somebody else here"
  }

  private func freeNick(_ body: AdmitBody, at time: Timestamp) -> String? {
    func isFree(_ nick: String) -> Bool {
      if let invite = promised(nick, at: time), invite.hash != body.invite { return false }
      guard directory.lookAlike(nick) == nil else { return false }
      guard let holder = directory.user(nick: nick) else { return true }
      return directory[holder]?.isGuest == true
    }
    if isFree(body.nick) { return body.nick }
    if body.isExplicit { return nil }
    let withHost = Nick.derived(from: body.nick, host: body.host.isEmpty ? nil : body.host).text
    if isFree(withHost) { return withHost }
    // The first numbers for people; then, where many have this name, one that the key chooses: each try costs something.
    let chosen = (body.key ?? []).prefix(3).reduce(0) { $0 << 8 | Int($1) }
    for number in Array(2...32) + (0..<32).map({ 1_000 + (chosen + $0) % 999_000 }) {
      let numbered = Nick.derived(from: withHost, host: String(number)).text
      if isFree(numbered) { return numbered }
    }
    return nil
  }

  // MARK: Nicks

  mutating func receiveNick(_ ref: Int64?, _ nick: String, from id: SessionID, _ user: UserID) {
    do {
      _ = try Nick(nick)
    } catch {
      return answer(id, .error(.init(ref: ref, .badNick, "\"\(nick)\" can't be a nick: \(error.message)")))
    }
    guard directory[user]?.isGuest == false else {
      return answer(id, .error(.init(ref: ref, .guest, "a guest has no nick to change: connect with TLS")))
    }
    propose(.rename(user, nick: nick), from: id, ref: ref)
  }

  mutating func applyRename(
    _ user: UserID, _ nick: String, time: Timestamp, from session: SessionID?, ref: Int64?
  ) {
    guard let row = directory[user]?.row, row.removed == nil else { return }
    let holder = directory.user(nick: nick)
    let isPromised =
      holder != user && promised(nick, at: time) != nil || directory.lookAlike(nick, besides: user) != nil
    if isPromised || holder != user && holder.map({ directory[$0]?.isGuest == false }) == true {
      if let session {
        answer(session, .error(.init(ref: ref, .nickTaken, taken(nick))))
      }
      return
    }
    func isSame(_ name: String) -> Bool { name == nick || (try? Nick(name)) == (try? Nick(nick)) }
    let isOwn = isSame(row.nick) || row.former.contains(where: isSame)
    if row.former.count >= 16, !isOwn {
      if let session {
        answer(
          session, .error(.init(ref: ref, .nickTaken, "this user has had 16 nicks already: go back to one of them")))
      }
      return
    }
    if let holder, holder != user { evict(holder) }
    receipts.renamed(user, from: row.nick)
    if readers[user] != nil {
      online.remove(row.nick, user)
      online.insert(nick, user)
    }
    directory.update(user) { row in
      if !isSame(row.nick) { row.former.append(row.nick) }
      row.former.removeAll(where: isSame)
      row.nick = nick
    }
    if let session {
      note(.renamed(from: row.nick, to: nick))
      answer(session, .ok(.init(ref: ref, nick: nick)))
    }
  }
}
