import QQJournal
import QQProtocol

/// From what a client sends to a proposal: what isn't determined by the journal is put into it here.
extension Hub {
  /// Unknown targets of one message that get a suggestion.
  static let suggestions = 3

  /// A session that sends, and what all its messages have in common.
  struct Sending {
    let session: SessionID
    let user: UserID
    let nick: String
    let peer: Peer
    /// Records proposed and not yet counted as the session's.
    var proposed = 0
    /// What the last message was sent to, and what that came to: most go where the one before went.
    var to: [String] = []
    var targets: [RecordTarget] = []
  }

  func sending(_ id: SessionID) -> Sending? {
    guard let session = sessions[id], let user = session.user, let nick = directory[user]?.row.nick else { return nil }
    return Sending(session: id, user: user, nick: nick, peer: session.peer)
  }

  mutating func endSending(_ sending: inout Sending?) {
    if let sending, sending.proposed > 0 { sessions[sending.session]?.outstanding += sending.proposed }
    sending = nil
  }

  mutating func receive(_ send: ClientFrame.Send, _ sending: inout Sending?) {
    guard let sender = sending else { return }
    if let file = send.file {
      turns.spend(16 + 4 * send.to.count)
      return measure(send, file, sender)
    }
    let targets = send.to == sender.to ? sender.targets : resolveAddresses(send, &sending)
    turns.spend(cost(of: targets, wantsReceipts: send.wantsReceipts))
    let isHeavy = Self.isHeavy(targets, wantsReceipts: send.wantsReceipts)
    if isHeavy { sessions[sender.session]?.heavySends += 1 }
    // What its session has to wait for is looked at before the next one.
    defer { if isHeavy || sending?.proposed ?? 0 >= configuration.turns.sends { endSending(&sending) } }
    let body = MessageBody(
      sender: sender.user, from: sender.nick, address: sender.peer.address, id: send.id, targets: targets,
      text: send.text, replyTo: send.replyTo)
    // A message that never could reach anybody is refused at once, where nothing that changes this is on its way. Any
    // other may be the retry of one that is stored already: that is known when it is applied.
    if uncommittedChanges == 0, targets.allSatisfy({ isHopeless($0, sender.user) }) {
      if isHeavy { sessions[sender.session]?.heavySends -= 1 }
      return refuse(body, at: sender.session, ref: send.ref)
    }
    if send.wantsReceipts { wantsReceipts.insert(ReceiptKey(session: sender.session, ref: send.ref, id: send.id)) }
    sending?.proposed += 1
    proposeMessage(body, from: sender.session, ref: send.ref)
  }

  /// Who is at an address may change with every message; names are remembered.
  private func resolveAddresses(_ send: ClientFrame.Send, _ sending: inout Sending?) -> [RecordTarget] {
    guard let peer = sending?.peer else { return [] }
    var targets: [RecordTarget] = []
    targets.reserveCapacity(send.to.count)
    // All addresses of the hub's machine are one place, and one list.
    var here: [UserID]?
    for target in send.to {
      let resolved = resolveAddress(target, lastSeen: send.lastSeen, peer: peer, here: here)
      if case .address(let text, let users) = resolved, !users.isEmpty,
        IPAddress(text).map(configuration.isLocal) == true
      {
        here = users
      }
      targets.append(resolved)
    }
    let isFixed = targets.allSatisfy { if case .address = $0 { false } else { true } }
    sending?.to = isFixed ? send.to : []
    sending?.targets = isFixed ? targets : []
    return targets
  }

  /// Names stay names until the record is applied; who is at an address is known only now.
  /// `here`: who is on the hub's machine, where that is known already.
  func resolveAddress(_ target: String, lastSeen: Bool, peer: Peer, here: [UserID]? = nil) -> RecordTarget {
    if target.utf8.first == UInt8(ascii: "@") { return .group(String(target.dropFirst())) }
    guard let address = IPAddress(target) else { return .nick(target) }
    // Loopback means the sender's own machine, which the hub can answer for only where it is its own too.
    if address.isLoopback, !configuration.isLocal(peer.address) { return .address(target, users: []) }
    if let here, configuration.isLocal(address) { return .address(target, users: here) }
    var users = places.users(at: address, configuration)
    if users.isEmpty, lastSeen { users = lastSeenUsers(at: address) }
    return .address(target, users: users)
  }

  private func lastSeenUsers(at address: IPAddress) -> [UserID] {
    directory.users(at: address, configuration).filter { user in
      directory[user].map { $0.row.seen != nil && !$0.isRemoved } == true
    }
  }

  /// The target stands for nobody, so far as this sender is concerned. Nicks and groups are never given up.
  private func isHopeless(_ target: RecordTarget, _ sender: UserID) -> Bool {
    switch target {
    case .group(let name) where RecordTarget.isEverybody(name): false
    // What was said while the sender was in a group may be said again, and is answered as it was.
    case .group where hasPruned: false
    case .group(let name):
      directory.group(name).map { group in
        directory[sender]?.stays.contains { $0.group == group.row.id } != true
      } ?? true
    case .nick(let nick): directory.member(nick: nick) == nil
    case .address: false
    }
  }

  /// A message whose answers may be much longer than it is.
  static func isHeavy(_ targets: [RecordTarget], wantsReceipts: Bool) -> Bool {
    targets.count > 8 || wantsReceipts && targets.contains { if case .group = $0 { true } else { false } }
  }

  /// What it takes to look for a name that is near one which nobody has, in the units of `Turns`.
  static let lookForName = 128

  /// Roughly what resolving it, applying it and answering it will take: see `Turns`.
  private func cost(of targets: [RecordTarget], wantsReceipts: Bool) -> Int {
    if targets.count == 1, !wantsReceipts, case .group("all") = targets[0] { return 1 }
    return targets.reduce(1) { sum, target in
      switch target {
      case .nick(let nick): sum + (directory.user(nick: nick) == nil ? Self.lookForName : 1)
      case .address(_, let users): sum + 2 + 2 * users.count + (users.isEmpty ? 8 : 0)
      case .group(let name) where RecordTarget.isEverybody(name):
        sum + (wantsReceipts ? directory.users.count / 2 : 1)
      case .group(let name):
        sum + (directory.group(name).map { $0.members.count / (wantsReceipts ? 2 : 16) } ?? Self.lookForName) + 1
      }
    }
  }

  private mutating func refuse(_ body: MessageBody, at id: SessionID, ref: Int64?) {
    for failure in resolve(body).failures {
      answer(id, .error(.init(ref: ref, code: failure.code, message: failure.message, to: failure.target, id: body.id)))
    }
  }

  /// Why a target can't be reached from an address, and what to do. `suggests`: looks for the nearest name, which takes
  /// time with many users.
  func failure(
    _ target: RecordTarget, _ sender: UserID, from address: IPAddress, suggests: Bool = true
  ) -> TargetFailure {
    switch target {
    case .nick(let nick):
      let nearest = suggests ? NearestName.nearest(to: nick, among: directory.nicks(near: nick)) : nil
      let suggestion = nearest.map { " (did you mean \"\($0)\"?)" } ?? ""
      return unknown(nick, "nobody called \"\(nick)\"\(suggestion)")
    case .group(let name):
      if directory.group(name) != nil {
        return TargetFailure(
          target: "@" + name, code: ErrorCode.notMember.rawValue,
          message: "you are not in @\(name) (qq join @\(name) lets you in)")
      }
      guard (try? GroupName(name)) != nil else { return unknown("@" + name, "\"@\(name)\" can't be a group's name") }
      let nearest = suggests ? NearestName.nearest(to: "@" + name, among: directory.groupNames(near: name)) : nil
      let suggestion = nearest.map { " (did you mean \($0)?)" } ?? " (qq join @\(name) makes it)"
      return unknown("@" + name, "no group called @\(name)\(suggestion)")
    case .address(let text, _):
      return unknown(text, nobody(at: text, from: address))
    }
  }

  private func nobody(at text: String, from sender: IPAddress) -> String {
    guard let address = IPAddress(text) else { return "\(text) is no address" }
    if address.isLoopback, !configuration.isLocal(sender) {
      return "\(text) means the sender's own machine, and the hub is another one: name a user or an address of the LAN"
    }
    let names = lastSeenUsers(at: address).compactMap { directory[$0]?.row.nick }.sorted().prefix(3)
    if !names.isEmpty {
      return
        "nobody is online at \(text) (last seen there: \(names.joined(separator: ", ")); --last-seen sends to them)"
    }
    if address.isLoopback { return "nobody is online on the hub's machine (\(text) means the hub's own machine)" }
    return "nobody is online at \(text)"
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
