import QQJournal
import QQProtocol

/// Who somebody is, and whether they may come in. Decided here, from what the channel proved, and nowhere else.
extension Hub {
  mutating func receive(_ hello: ClientFrame.Hello, from id: SessionID) {
    guard let peer = sessions[id]?.peer else { return }
    guard hello.version == Int64(ProtocolLimits.version) else {
      return fail(id, .unsupportedProtocol, "this hub speaks protocol \(ProtocolLimits.version)")
    }
    if let key = peer.key, let user = directory.user(key: key) {
      return welcome(id, user)
    }
    if peer.key == nil, let refusal = plaintextRefusal(peer) {
      return fail(id, refusal.code, refusal.message)
    }
    if peer.key != nil, peer.key != configuration.ownerKey, !configuration.admits(peer.address) {
      return fail(
        id, .notAdmitted,
        "\(peer.address) is not admitted here: ask whoever runs this hub for an invite or for --admit \(peer.address)")
    }
    guard let nick = wantedNick(hello, id) else { return }
    if peer.key == nil, let user = directory.user(nick: nick.text), directory[user]?.isGuest == true {
      return welcome(id, user)
    }
    guard directory.users.count < configuration.maximumUsers else {
      return fail(id, .tooManySessions, "this hub has as many users as it takes")
    }
    sessions[id]?.phase = .admitting
    let body = AdmitBody(
      key: peer.key, nick: nick.text, isExplicit: hello.isExplicit && hello.nick != nil, address: peer.address,
      host: String((hello.host ?? "").prefix(64)))
    propose(.admit(body), from: id, ref: nil)
  }

  private func plaintextRefusal(_ peer: Peer) -> (code: ErrorCode, message: String)? {
    let address = peer.address
    if peer.isClassic {
      return configuration.admits(address) ? nil : (.notAdmitted, "\(address) is not admitted here")
    }
    switch configuration.plaintext {
    case .refused: return (.plaintextRefused, "this hub takes TLS alone (it was started without --plaintext)")
    case .loopback where !configuration.isLocal(address):
      return (.plaintextRefused, "this hub takes plaintext from its own machine alone (see --plaintext=lan)")
    case .admitted where !configuration.admits(address):
      return (.notAdmitted, "\(address) is not admitted here")
    case .loopback, .admitted: return nil
    }
  }

  private mutating func wantedNick(_ hello: ClientFrame.Hello, _ id: SessionID) -> Nick? {
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

  private mutating func welcome(_ id: SessionID, _ user: UserID) {
    guard let peer = sessions[id]?.peer, let row = directory[user]?.row else { return }
    sessions[id]?.phase = .ready(user)
    answer(
      id,
      .welcome(
        .init(
          version: Int64(ProtocolLimits.version), hub: configuration.name, epoch: epoch, nick: row.nick,
          address: peer.address.description, seq: applied, isGuest: row.key == nil)))
  }

  // MARK: Applied

  mutating func apply(_ body: AdmitBody, at seq: Seq, from session: SessionID?) {
    let user = admit(body, at: seq)
    guard let session, case .admitting? = sessions[session]?.phase else { return }
    if let user {
      welcome(session, user)
    } else {
      fail(
        session, .nickTaken,
        "the nick \"\(body.nick)\" belongs to somebody else here: choose another with --nick")
    }
  }

  /// The user that this key, or this guest, now is; nil where the nick is somebody else's.
  private mutating func admit(_ body: AdmitBody, at seq: Seq) -> UserID? {
    if let key = body.key, let known = directory.user(key: key) { return known }
    guard let nick = freeNick(body) else { return nil }
    if let holder = directory.user(nick: nick), directory[holder]?.isGuest == true {
      if body.key == nil { return holder }
      evict(holder)
    }
    return directory.add(key: body.key, nick: nick, start: seq, address: body.address)
  }

  /// A guest owns nothing: the name goes to a key, and whoever used it meanwhile is told.
  private mutating func evict(_ guest: UserID) {
    guard let nick = directory[guest]?.row.nick else { return }
    for id in sessions.filter({ $0.value.user == guest }).keys.sorted() {
      fail(id, .nickTaken, "the nick \"\(nick)\" now belongs to a key")
    }
    directory.forget(guest)
  }

  private func freeNick(_ body: AdmitBody) -> String? {
    func isFree(_ nick: String) -> Bool {
      guard let holder = directory.user(nick: nick) else { return true }
      return directory[holder]?.isGuest == true
    }
    if isFree(body.nick) { return body.nick }
    if body.isExplicit { return nil }
    let withHost = Nick.derived(from: body.nick, host: body.host.isEmpty ? nil : body.host).text
    if isFree(withHost) { return withHost }
    for number in 2...9_999 {
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

  mutating func applyRename(_ user: UserID, _ nick: String, from session: SessionID?, ref: Int64?) {
    guard let row = directory[user]?.row else { return }
    let holder = directory.user(nick: nick)
    if let holder, holder != user, directory[holder]?.isGuest == false {
      if let session {
        answer(session, .error(.init(ref: ref, .nickTaken, "the nick \"\(nick)\" belongs to somebody else here")))
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
    directory.update(user) { row in
      if !isSame(row.nick) { row.former.append(row.nick) }
      row.former.removeAll(where: isSame)
      row.nick = nick
    }
    if let session { answer(session, .ok(.init(ref: ref, nick: nick))) }
  }
}
