import QQJournal
import QQProtocol

/// From what a client sends to a proposal: what isn't determined by the journal is put into it here.
extension Hub {
  mutating func receive(_ send: ClientFrame.Send, from id: SessionID, _ user: UserID) {
    guard let session = sessions[id], let row = directory[user]?.row else { return }
    let targets = send.to.map { resolveAddress($0, lastSeen: send.lastSeen, peer: session.peer) }
    let body = MessageBody(
      sender: user, from: row.nick, address: session.peer.address, id: send.id, targets: targets, text: send.text,
      replyTo: send.replyTo)
    // Where nothing that could change the answer is on its way, a message that reaches nobody is refused at once.
    if uncommittedChanges == 0, recent[user, send.id] == nil, targets.allSatisfy({ isHopeless($0, user) }) {
      return refuse(body, at: id, ref: send.ref)
    }
    if send.wantsReceipts { wantsReceipts.insert(ReceiptKey(session: id, ref: send.ref, id: send.id)) }
    propose(.message(body), from: id, ref: send.ref)
  }

  /// Names stay names until the record is applied; who is at an address is known only now.
  private func resolveAddress(_ target: String, lastSeen: Bool, peer: Peer) -> RecordTarget {
    if target.utf8.first == UInt8(ascii: "@") { return .group(String(target.dropFirst())) }
    guard let address = IPAddress(target) else { return .nick(target) }
    // Loopback means the sender's own machine, which the hub can answer for only where it is its own too.
    if address.isLoopback, !configuration.isLocal(peer.address) { return .address(target, users: []) }
    var users: [UserID] = []
    for (user, ids) in readers where !ids.isEmpty {
      let isThere = ids.contains {
        sessions[$0].map { configuration.address($0.peer.address, matches: address) } == true
      }
      if isThere { users.append(user) }
    }
    if users.isEmpty, lastSeen { users = lastSeenUsers(at: address) }
    return .address(target, users: users.sorted())
  }

  private func lastSeenUsers(at address: IPAddress) -> [UserID] {
    directory.users.values.filter { user in
      user.row.address.map { configuration.address($0, matches: address) } == true && user.row.seen != nil
    }.map(\.row.id)
  }

  private func isHopeless(_ target: RecordTarget, _ sender: UserID) -> Bool {
    switch target {
    case .group(let name) where RecordTarget.isEverybody(name): false
    case .group(let name):
      directory.group(name).map { directory[sender]?.isMember(of: $0.row.id) != true } ?? true
    case .nick(let nick): directory.user(nick: nick) == nil
    case .address(_, let users): users.isEmpty
    }
  }

  private mutating func refuse(_ body: MessageBody, at id: SessionID, ref: Int64?) {
    for target in body.targets {
      let failure = failure(target, body.sender)
      answer(id, .error(.init(ref: ref, code: failure.code, message: failure.message, to: failure.target, id: body.id)))
    }
  }

  /// Why a target can't be reached, and what to do.
  func failure(_ target: RecordTarget, _ sender: UserID) -> TargetFailure {
    switch target {
    case .nick(let nick):
      let suggestion = NearestName.nearest(to: nick, among: directory.nicks).map { " (did you mean \"\($0)\"?)" } ?? ""
      return unknown(nick, "nobody called \"\(nick)\"\(suggestion)")
    case .group(let name):
      if directory.group(name) != nil {
        return TargetFailure(
          target: "@" + name, code: ErrorCode.notMember.rawValue,
          message: "you are not in @\(name) (qq join @\(name) lets you in)")
      }
      let nearest = NearestName.nearest(to: "@" + name, among: directory.groupNames)
      let suggestion = nearest.map { " (did you mean \($0)?)" } ?? " (qq join @\(name) makes it)"
      return unknown("@" + name, "no group called @\(name)\(suggestion)")
    case .address(let text, _):
      guard let address = IPAddress(text) else { return unknown(text, "\(text) is no address") }
      let names = lastSeenUsers(at: address).compactMap { directory[$0]?.row.nick }.sorted().prefix(3)
      if address.isLoopback, names.isEmpty {
        return unknown(text, "nobody is online on the hub's machine (\(text) means the hub's own machine)")
      }
      let hint =
        names.isEmpty
        ? "" : " (last seen there: \(names.joined(separator: ", ")); --last-seen sends to them)"
      return unknown(text, "nobody is online at \(text)\(hint)")
    }
  }

  private func unknown(_ target: String, _ message: String) -> TargetFailure {
    TargetFailure(target: target, code: ErrorCode.unknownTarget.rawValue, message: message)
  }
}

/// A sender that asked for receipts, until its record is applied. With its number, since an id may be on its way twice.
struct ReceiptKey: Hashable, Sendable {
  var session: SessionID
  var ref: Int64?
  var id: MessageID
}
