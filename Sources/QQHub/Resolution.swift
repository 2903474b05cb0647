import QQJournal
import QQProtocol

/// What a message's targets come to when it is applied.
struct Resolution: Sendable {
  /// Each target that reaches somebody, as the sender wrote it, with its users; nil users are everybody.
  var reached: [(name: String, users: [UserID]?)] = []
  var failures: [TargetFailure] = []
  var conversations: [Conversation] = []
  /// The union, in the order of their numbers; nil is everybody.
  var users: [UserID]? = []

  /// A message to `@all` alone.
  static let everyone = Resolution(
    reached: [("@all", nil)], failures: [], conversations: [.everyone], users: nil)
}

extension RecordTarget {
  var withoutUsers: RecordTarget {
    if case .address(let text, _) = self { return .address(text, users: []) }
    return self
  }

  /// `@all`, in any case of its letters.
  var isEverybody: Bool {
    if case .group(let name) = self { Self.isEverybody(name) } else { false }
  }

  static func isEverybody(_ group: String) -> Bool {
    group == "all" || group.utf8.count == 3 && group.lowercased() == "all"
  }

  /// As the sender wrote it.
  var name: String {
    switch self {
    case .nick(let nick): nick
    case .group(let group): "@" + group
    case .address(let address, _): address
    }
  }
}

extension Hub {
  func resolve(_ body: MessageBody) -> Resolution {
    let (targets, sender) = (body.targets, body.sender)
    var resolution = Resolution()
    func fail(_ target: RecordTarget) {
      let suggests = resolution.failures.count < Self.suggestions
      resolution.failures.append(failure(target, sender, from: body.address, suggests: suggests))
    }
    // What nearly every message of a busy hub is.
    if targets.count == 1, case .group("all") = targets[0] { return .everyone }
    var direct: Set<UserID> = []
    var union: Set<UserID> = []
    var everybody = false
    // Many spellings of one address are one list of users.
    var last: [UserID] = []
    for target in targets.uniqued {
      switch target {
      case .group(let name) where RecordTarget.isEverybody(name):
        resolution.reached.append((target.name, nil))
        if !everybody { resolution.conversations.append(.everyone) }
        everybody = true
      case .group(let name):
        guard let group = directory.group(name), directory[sender]?.isMember(of: group.row.id) == true else {
          fail(target)
          continue
        }
        resolution.reached.append((target.name, group.members))
        let conversation = Conversation.group(group.row.id)
        if !resolution.conversations.contains(conversation) { resolution.conversations.append(conversation) }
        union.formUnion(group.members)
      case .nick, .address:
        let users = members(of: target, at: .max) ?? []
        guard !users.isEmpty else {
          fail(target)
          continue
        }
        resolution.reached.append((target.name, users))
        if users != last { direct.formUnion(users) }
        last = users
      }
    }
    if !direct.isEmpty {
      resolution.conversations.append(.sent(sender))
      for user in direct.sorted() {
        resolution.conversations.append(.inbox(user))
        resolution.conversations.append(.pair(sender, user))
      }
    }
    resolution.users = everybody ? nil : union.union(direct).sorted()
    return resolution
  }

  /// The users a target stands for, as it was at a seq, in the order of their numbers; nil where there is no such
  /// target.
  func members(of target: RecordTarget, at seq: Seq) -> [UserID]? {
    switch target {
    case .nick(let nick): directory.user(nick: nick).map { directory.isRemoved($0) ? [] : [$0] }
    case .address(_, let users):
      directory.hasForgotten ? users.filter { directory[$0]?.isRemoved == false } : users
    case .group(let name) where RecordTarget.isEverybody(name):
      // A guest who isn't here may never come back.
      directory.users.values.filter { user in
        user.row.hears(at: seq) && !user.isRemoved && (!user.isGuest || readers[user.row.id] != nil)
      }.map(\.row.id).sorted()
    case .group(let name):
      directory.group(name).map { group in
        directory.users.values.filter { user in
          !user.isRemoved
            && user.stays.contains { $0.group == group.row.id && $0.joined < seq && seq <= $0.left ?? .max }
        }.map(\.row.id).sorted()
      }
    }
  }
}

extension [RecordTarget] {
  /// Each target once, where it comes first.
  var uniqued: [RecordTarget] {
    if count == 1 || Set(self).count == count { return self }
    var seen: Set<RecordTarget> = []
    return filter { seen.insert($0).inserted }
  }
}
