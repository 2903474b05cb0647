import QQJournal
import QQProtocol

/// What the journal means, worked out a second time and as simply as possible: who is who, what was accepted, and whom
/// each message is for. The hub is measured by this.
struct SimDirectory {
  struct User {
    var id: UserID
    var key: [UInt8]
    var nick: String
    var start: Seq
    var groups: Set<String> = []
    var cursors: [String: Seq] = [:]
    /// The seqs of all that is for this user, ascending.
    var inbox: [Seq] = []

    var delivered: Seq { cursors.values.max() ?? 0 }
  }

  struct Message {
    var seq: Seq
    var body: MessageBody
    var audience: [UserID]
    var failed: Set<String>
  }

  private struct IDKey: Hashable {
    var sender: UserID
    var id: MessageID
  }

  private(set) var applied: Seq = 0
  /// User number n is at n - 1: keyed users are never forgotten.
  private(set) var users: [User] = []
  private(set) var messages: [Seq: Message] = [:]
  private(set) var groups: Set<String> = []
  private var ids: [IDKey: Seq] = [:]
  private var names: [String: Int] = [:]

  func user(key: [UInt8]) -> User? { users.first { $0.key == key } }
  func user(nick: String) -> User? { names[nick.lowercased()].map { users[$0] } }
  func message(_ sender: UserID, _ id: MessageID) -> Message? {
    ids[IDKey(sender: sender, id: id)].flatMap { messages[$0] }
  }
  subscript(user: UserID) -> User { users[Int(user.rawValue) - 1] }

  mutating func apply(_ record: Record) {
    applied += 1
    switch record.body {
    case .admit(let body): admit(body)
    case .rename(let user, let nick):
      let index = Int(user.rawValue) - 1
      if let holder = names[nick.lowercased()], holder != index { return }
      names[nick.lowercased()] = index
      users[index].nick = nick
    case .join(let user, let group):
      groups.insert(group.lowercased())
      users[Int(user.rawValue) - 1].groups.insert(group.lowercased())
    case .leave(let user, let group): users[Int(user.rawValue) - 1].groups.remove(group.lowercased())
    case .cursors(let moves):
      for move in moves {
        let index = Int(move.user.rawValue) - 1
        users[index].cursors[move.name] = max(users[index].cursors[move.name] ?? 0, move.seq)
      }
    case .seen, .saved, .discard, .invite, .revoke, .remove, .restore, .prune: break
    case .message(let body): accept(body)
    }
  }

  private mutating func admit(_ body: AdmitBody) {
    guard let key = body.key, user(key: key) == nil, names[body.nick.lowercased()] == nil else { return }
    names[body.nick.lowercased()] = users.count
    users.append(User(id: UserID(UInt32(users.count + 1)), key: key, nick: body.nick, start: applied))
  }

  private mutating func accept(_ body: MessageBody) {
    let key = IDKey(sender: body.sender, id: body.id)
    guard ids[key] == nil else { return }
    var failed: Set<String> = []
    var audience: Set<UserID> = []
    for target in body.targets {
      let users = members(of: target, sender: body.sender)
      if users.isEmpty { failed.insert(target.text) }
      audience.formUnion(users)
    }
    guard !audience.isEmpty else { return }
    ids[key] = applied
    let sorted = audience.sorted()
    messages[applied] = Message(seq: applied, body: body, audience: sorted, failed: failed)
    for user in sorted { users[Int(user.rawValue) - 1].inbox.append(applied) }
  }

  private func members(of target: RecordTarget, sender: UserID) -> [UserID] {
    switch target {
    case .group("all"): users.map(\.id)
    case .group(let name):
      self[sender].groups.contains(name.lowercased())
        ? users.filter { $0.groups.contains(name.lowercased()) }.map(\.id) : []
    case .nick(let nick): user(nick: nick).map { [$0.id] } ?? []
    case .address(_, let users): users
    }
  }
}

extension RecordTarget {
  /// As the sender wrote it.
  var text: String {
    switch self {
    case .nick(let nick): nick
    case .group(let group): "@" + group
    case .address(let address, _): address
    }
  }
}

extension [Seq] {
  /// The index of the first element above `seq`.
  func index(above seq: Seq) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle] <= seq { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
