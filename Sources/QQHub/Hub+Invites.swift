import QQJournal
import QQProtocol

/// Invites: 128 random bits that let one key in, once and for a time. The hub keeps what they are known by; the secret
/// itself it hears when it is used.
extension Hub {
  /// Bytes of a secret.
  private static let secretBytes = 16
  /// How long the end of an invite is remembered, to be told, in milliseconds.
  private static let memory: Int64 = 30 * 86_400_000
  private static let longest: Int64 = 366 * 86_400_000
  /// Of one inviter; the oldest that ended are forgotten first.
  private static let invitesKept = 1_000
  /// Open ones of one member, where members invite; and of all, beyond which members make none, and owners still do.
  private static let membersInvites = 100
  private static let mostOfMembers = 10_000
  /// Of all.
  private static let mostInvites = 20_000

  // MARK: Coming in with one

  /// What could only be refused isn't written down: anybody may try.
  /// `known`: the user whose key this is already.
  mutating func receive(
    _ hello: ClientFrame.Hello, invite secret: String, from id: SessionID, _ peer: Peer, known: UserID?
  ) {
    guard peer.key != nil else { return fail(id, .guest, "an invite is for a key: connect with TLS") }
    guard let bytes = Base64.url.bytes(secret), bytes.count == Self.secretBytes else {
      return fail(id, .inviteUnknown, Self.unknownInvite)
    }
    let hash = Digest(of: bytes)
    // Whoever came in with it and didn't hear of it tries again.
    if let known, case .used(known, _)? = directory.invites[hash]?.end { return welcome(id, known) }
    do throws(Refusal) {
      try check(invite: hash, at: now)
    } catch {
      return fail(id, error.code, error.message)
    }
    guard let wanted = wantedNick(hello, id) else { return }
    var body = AdmitBody(
      key: peer.key, nick: wanted.text, isExplicit: hello.isExplicit && hello.nick != nil, address: peer.address,
      host: String((hello.host ?? "").prefix(64)), invite: hash)
    // A user who is one already stays who that is; the invite is used up, as one works once.
    if known == nil, let nick = directory.invites[hash]?.nick {
      if body.isExplicit, (try? Nick(nick)) != wanted {
        return fail(id, .nickTaken, "this invite is for the nick \"\(nick)\", not for \"\(wanted.text)\"")
      }
      body.nick = nick
      body.isExplicit = true
    }
    propose(body, from: id)
  }

  private static let unknownInvite =
    "this hub knows no such invite: it was altered, is another hub's, or ended long ago; ask for a new one"

  func check(invite hash: Digest, at time: Timestamp) throws(Refusal) {
    guard let row = directory.invites[hash] else {
      throw Refusal(code: .inviteUnknown, message: Self.unknownInvite)
    }
    switch row.end {
    case .used(_, let at):
      throw Refusal(code: .inviteUsed, message: "this invite was used at \(at), and works once: ask for a new one")
    case .revoked(let at):
      throw Refusal(code: .inviteRevoked, message: "this invite was revoked at \(at): ask for a new one")
    case nil:
      guard row.isOpen(at: time) else {
        throw Refusal(code: .inviteExpired, message: "this invite expired at \(row.expires): ask for a new one")
      }
    }
  }

  mutating func use(invite hash: Digest, by user: UserID, at time: Timestamp) {
    guard var row = directory.invites[hash] else { return }
    row.end = .used(by: user, at: time)
    directory.put(row)
  }

  /// The invite that this nick is kept for.
  func promised(_ nick: String, at time: Timestamp) -> InviteRow? {
    (try? Nick(nick)).flatMap { directory.invites.promise(of: $0, at: time) }
  }

  // MARK: Making and ending them

  func isOwner(_ id: SessionID) -> Bool {
    sessions[id]?.peer.key.map(configuration.ownerKeys.contains) == true
  }

  /// For an error: who to turn to.
  var owners: String {
    let nicks = configuration.ownerKeys.compactMap { directory.user(key: $0) }.compactMap { directory[$0]?.row.nick }
      .sorted()
    return nicks.isEmpty ? "" : " (\(nicks.joined(separator: ", ")))"
  }

  mutating func receiveInvite(
    _ ref: Int64?, hash: Digest, nick: String?, lifetime: Int64, from id: SessionID, _ user: UserID
  ) {
    let mayInvite = isOwner(id) || configuration.everybodyInvites && directory[user]?.isGuest == false
    guard mayInvite else {
      return answer(
        id,
        .error(
          .init(
            ref: ref, .notOwner,
            "only an owner of this hub\(owners) may invite (qq serve --members-invite lets every user)")))
    }
    guard 1...Self.longest ~= lifetime else {
      return answer(id, .error(.init(ref: ref, .badField, "an invite lasts some time, and a year at most")))
    }
    if !isOwner(id) {
      guard directory.invites.made(by: user).count(where: { $0.isOpen(at: now) }) < Self.membersInvites else {
        return answer(
          id,
          .error(.init(ref: ref, .quota, "\(Self.membersInvites) of your invites are open: qq admin revoke ends one")))
      }
      guard directory.invites.count < Self.mostOfMembers else {
        return answer(id, .error(.init(ref: ref, .quota, "this hub has as many invites of members as it takes")))
      }
    }
    var wanted: Nick?
    if let nick {
      do {
        wanted = try Nick(nick)
      } catch {
        return answer(id, .error(.init(ref: ref, .badNick, "\"\(nick)\" can't be a nick: \(error.message)")))
      }
    }
    propose(.invite(InviteBody(by: user, hash: hash, nick: wanted?.text, expires: now + lifetime)), from: id, ref: ref)
  }

  mutating func applyInvite(_ body: InviteBody, time: Timestamp, from session: SessionID?, ref: Int64?) {
    if directory.isRemoved(body.by) { return }
    forgetInvites(of: body.by, at: time)
    if directory.invites.count >= Self.mostInvites {
      for row in directory.invites.all.sorted(by: { $0.id < $1.id }) where !row.isOpen(at: time) {
        directory.forget(invite: row.hash)
      }
    }
    do throws(Refusal) {
      try checkNew(body, at: time)
    } catch {
      if let session { answer(session, .error(.init(ref: ref, error.code, error.message))) }
      return
    }
    let row = InviteRow(hash: body.hash, by: body.by, nick: body.nick, made: time, expires: body.expires)
    directory.put(row)
    guard let session else { return }
    note(.invited(id: row.id, by: nick(of: session)))
    answer(session, .invite(frame(row, ref)))
    answer(session, .ok(.init(ref: ref)))
  }

  /// Those that ended long ago, and the oldest that ended where there would be too many.
  private mutating func forgetInvites(of user: UserID, at time: Timestamp) {
    let made = directory.invites.made(by: user)
    var spare = made.count - (Self.invitesKept - 1)
    for row in made {
      let isOld = row.expires + Self.memory < time
      guard isOld || spare > 0 && !row.isOpen(at: time) else { continue }
      directory.forget(invite: row.hash)
      spare -= 1
    }
  }

  private func checkNew(_ body: InviteBody, at time: Timestamp) throws(Refusal) {
    let id = HubFrame.Invite.id(body.hash)
    guard directory.invites[id: id] == nil else {
      throw Refusal(code: .idConflict, message: "there is an invite \(id) already")
    }
    guard directory.invites.made(by: body.by).count < Self.invitesKept else {
      throw Refusal(
        code: .quota, message: "\(Self.invitesKept) of your invites are open already: qq admin revoke ends one")
    }
    guard directory.invites.count < Self.mostInvites else {
      throw Refusal(code: .quota, message: "this hub has as many open invites as it takes: qq admin invites lists them")
    }
    guard let nick = body.nick else { return }
    if let holder = directory.user(nick: nick), directory[holder]?.isGuest == false {
      throw Refusal(code: .nickTaken, message: "the nick \"\(nick)\" belongs to somebody here already")
    }
    if let other = directory.lookAlike(nick) {
      throw Refusal(
        code: .nickTaken, message: "the nick \"\(nick)\" looks like \"\(other.row.nick)\", who is somebody here already"
      )
    }
    if let other = promised(nick, at: time) {
      throw Refusal(
        code: .nickTaken,
        message: "the nick \"\(nick)\" is promised to the invite \(other.id) (qq admin revoke \(other.id) ends it)")
    }
  }

  /// Those that this session may see, the oldest first.
  private func invites(_ id: SessionID, _ user: UserID) -> [InviteRow] {
    let rows = isOwner(id) ? Array(directory.invites.all) : directory.invites.made(by: user)
    return rows.sorted { ($0.made, $0.id) < ($1.made, $1.id) }
  }

  mutating func receiveInvites(_ ref: Int64?, from id: SessionID, _ user: UserID) {
    let rows = invites(id, user)
    turns.spend(rows.count / 4)
    sessions[id]?.job = .invites(ref: ref, rows[...])
  }

  mutating func listInvites(_ ref: Int64?, _ rows: ArraySlice<InviteRow>, for id: SessionID) {
    for row in rows.prefix(configuration.turns.lines) {
      turns.spend(8)
      answer(id, .invite(frame(row, ref)))
    }
    let rest = rows.dropFirst(configuration.turns.lines)
    sessions[id]?.job = rest.isEmpty ? nil : .invites(ref: ref, rest)
    if rest.isEmpty { answer(id, .ok(.init(ref: ref))) }
  }

  mutating func receiveRevoke(_ ref: Int64?, _ name: String, from id: SessionID, _ user: UserID) {
    guard let row = directory.invites[id: name], isOwner(id) || row.by == user else {
      return answer(
        id,
        .error(
          .init(ref: ref, .unknownTarget, "there is no invite \"\(name)\" (qq admin invites lists them)", to: name)))
    }
    propose(.revoke(row.hash), from: id, ref: ref)
  }

  mutating func applyRevoke(_ hash: Digest, time: Timestamp, from session: SessionID?, ref: Int64?) {
    guard var row = directory.invites[hash] else { return }
    switch row.end {
    case .used(let user, let at):
      let nick = directory[user]?.row.nick ?? ""
      if let session {
        answer(
          session,
          .error(
            .init(
              ref: ref, .inviteUsed,
              "\"\(nick)\" used that invite at \(at): qq admin remove \(nick) removes who came in with it")))
      }
    case .revoked, nil:
      if row.end == nil {
        row.end = .revoked(at: time)
        directory.put(row)
        if let session { note(.revoked(id: row.id, by: nick(of: session))) }
      }
      if let session { answer(session, .ok(.init(ref: ref))) }
    }
  }

  private func frame(_ row: InviteRow, _ ref: Int64?) -> HubFrame.Invite {
    func nick(_ user: UserID) -> String { directory[user]?.row.nick ?? "" }
    var frame = HubFrame.Invite(
      ref: ref, id: row.id, state: row.isOpen(at: now) ? .open : .expired, nick: row.nick, by: nick(row.by),
      made: row.made, expires: row.expires)
    switch row.end {
    case .used(let user, _):
      frame.state = .used
      frame.usedBy = nick(user)
    case .revoked: frame.state = .revoked
    case nil: break
    }
    return frame
  }
}
