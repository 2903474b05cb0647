import QQJournal
import QQProtocol

/// Users, groups, who is in which, and cursors: what applying the journal has made known. Every change is written
/// down as a `Change` for the store.
struct Directory: Sendable {
  struct User: Sendable {
    var row: UserRow
    /// Every stay in a group, in the order of joining.
    var stays: [MembershipRow] = []
    var cursors: [String: Seq] = [:]

    var isGuest: Bool { row.key == nil }
    /// Is let in no more; keeps the nick, so that nobody else is taken for this user.
    var isRemoved: Bool { row.removed != nil }

    func isMember(of group: GroupID) -> Bool {
      stays.contains { $0.group == group && $0.left == nil }
    }

    /// Up to where one of the user's readers has processed everything.
    var delivered: Seq { cursors.values.max() ?? 0 }

    /// Those that stand before `seq`, but for the one that has come furthest.
    func cursors(behind seq: Seq) -> [String] {
      cursors.filter { $0.value < min(seq, delivered) }.keys.sorted()
    }
  }

  struct Group: Sendable {
    var row: GroupRow
    /// In the order of their numbers.
    var members: [UserID] = []
    /// Of all who are or were in it and may read what was said meanwhile: without any the group goes.
    var stays = 0
  }

  var users: [UserID: User] = [:]
  var groups: [GroupID: Group] = [:]
  private var usersByKey: [[UInt8]: UserID] = [:]
  /// By folded nick, names a user had before included: they stay that user's.
  private var usersByNick: [String: UserID] = [:]
  /// By what they look like, the same names but for guests'; of a hub that told none apart the first has it.
  private var usersBySkeleton: [String: UserID] = [:]
  var groupsByName: [String: GroupID] = [:]
  private(set) var byNick = NickOrder()
  /// Where users were seen last.
  private var places = Places()
  var nextUser: UInt32
  var nextGroup: UInt32
  /// Also those that can't be used any more.
  private(set) var invites = Invites()
  /// Nearly always there is none.
  private(set) var hasRemoved = false
  /// Some user is not here any more, or let in no more: who was at an address may be.
  private(set) var hasForgotten = false
  /// What has changed since the projection before.
  var changes: [Change] = []

  init(_ snapshot: Snapshot) {
    nextUser = snapshot.nextUser
    nextGroup = snapshot.nextGroup
    for row in snapshot.users { index(row, isSorted: false) }
    byNick = NickOrder(snapshot.users)
    hasForgotten = hasForgotten || users.count != Int(nextUser) - 1
    for row in snapshot.groups {
      groups[row.id] = Group(row: row)
      groupsByName[Self.fold(group: row.name)] = row.id
    }
    for row in snapshot.memberships.sorted(by: { $0.joined < $1.joined }) { index(row) }
    for row in snapshot.invites.sorted(by: { ($0.made, $0.id) < ($1.made, $1.id) }) { invites.put(row) }
    for cursor in snapshot.cursors { users[cursor.user]?.cursors[cursor.name] = cursor.seq }
    // Of a hub that didn't forget them.
    for group in groups.values where group.stays == 0 { forget(group.row) }
  }

  // MARK: Finding

  subscript(id: UserID) -> User? { users[id] }

  func user(key: [UInt8]) -> UserID? { usersByKey[key] }

  /// By nick, however it is written.
  func user(nick: String) -> UserID? {
    // What is written as it is kept needs no folding; most is.
    if let id = usersByNick[nick] { return id }
    guard let folded = (try? Nick(nick))?.folded else { return nil }
    return usersByNick[folded]
  }

  /// Somebody else, with a key, who may be taken for a user of this nick; nil also where the nick itself is somebody's.
  func lookAlike(_ name: String, besides user: UserID? = nil) -> User? {
    guard let nick = try? Nick(name), let id = usersBySkeleton[nick.skeleton], id != user else { return nil }
    return usersByNick[nick.folded] == id ? nil : users[id]
  }

  /// By nick, a user who can be written to.
  func member(nick: String) -> UserID? {
    user(nick: nick).flatMap { users[$0]?.isRemoved == true ? nil : $0 }
  }

  func isRemoved(_ id: UserID) -> Bool { hasRemoved && users[id]?.isRemoved == true }

  func group(_ name: String) -> Group? {
    let id = groupsByName[name] ?? groupsByName[Self.fold(group: name)]
    return id.flatMap { groups[$0] }
  }

  static func fold(group name: String) -> String {
    (try? GroupName(name))?.folded ?? name
  }

  /// Names for a suggestion: of many users and groups some that may be near.
  private static let namesCompared = 256

  func nicks(near nick: String) -> [String] {
    byNick.neighbours(of: nick, most: Self.namesCompared).filter { !isRemoved($0.id) }.map(\.nick)
  }

  func groupNames(near name: String) -> [String] {
    ["@all"] + groups.values.prefix(Self.namesCompared).map { "@" + $0.row.name }
  }

  /// Users who were last seen at an address, in the order of their numbers.
  func users(at address: IPAddress, _ configuration: HubConfiguration) -> [UserID] {
    places.users(at: address, configuration)
  }

  /// What a user may read: everything to everybody since the user began, groups while in them, and the user's own.
  func spans(_ id: UserID, after seq: Seq) -> [ConversationSpan] {
    guard let user = users[id] else { return [] }
    var spans = [ConversationSpan(.inbox(id), after: max(seq, user.row.start))]
    var next = max(seq, user.row.start)
    for absence in user.row.absences {
      if absence.after > next { spans.append(.init(.everyone, after: next, through: absence.after)) }
      next = max(next, absence.through ?? .max)
    }
    if next < .max { spans.append(.init(.everyone, after: next)) }
    for stay in user.stays where (stay.left ?? .max) > seq {
      spans.append(.init(.group(stay.group), after: max(seq, stay.joined), through: stay.left ?? .max))
    }
    return spans
  }

  // MARK: Changing

  private mutating func index(_ row: UserRow, isSorted: Bool = true) {
    let old = users[row.id]?.row
    if isSorted, old?.nick != row.nick {
      if let old { byNick.remove(old.nick, row.id) }
      byNick.insert(row.nick, row.id)
    }
    if old?.address != row.address {
      if let address = old?.address { places.remove(row.id, at: address) }
      if let address = row.address { places.insert(row.id, at: address) }
    }
    users[row.id, default: User(row: row)].row = row
    if row.removed != nil { (hasRemoved, hasForgotten) = (true, true) }
    if let key = row.key { usersByKey[key] = row.id }
    for name in [row.nick] + row.former {
      guard let nick = try? Nick(name) else { continue }
      usersByNick[nick.folded] = row.id
      if row.key != nil, usersBySkeleton[nick.skeleton] == nil { usersBySkeleton[nick.skeleton] = row.id }
    }
  }

  mutating func add(key: [UInt8]?, nick: String, start: Seq, address: IPAddress) -> UserID {
    let id = UserID(nextUser)
    nextUser += 1
    let row = UserRow(id: id, key: key, nick: nick, start: start, address: address)
    index(row)
    changes.append(.user(row))
    return id
  }

  mutating func update(_ id: UserID, _ body: (inout UserRow) -> Void) {
    guard var row = users[id]?.row else { return }
    body(&row)
    guard row != users[id]?.row else { return }
    index(row)
    changes.append(.user(row))
  }

  mutating func forget(_ id: UserID) {
    guard let user = users.removeValue(forKey: id) else { return }
    hasForgotten = true
    if let key = user.row.key { usersByKey[key] = nil }
    for name in [user.row.nick] + user.row.former {
      guard let nick = try? Nick(name) else { continue }
      if usersByNick[nick.folded] == id { usersByNick[nick.folded] = nil }
      if usersBySkeleton[nick.skeleton] == id { usersBySkeleton[nick.skeleton] = nil }
    }
    byNick.remove(user.row.nick, id)
    if let address = user.row.address { places.remove(id, at: address) }
    changes.append(.forget(id))
    for stay in user.stays { left(stay) }
  }

  /// Numbers of users are below 2^30, since two of them make a conversation's: see `Conversation.key`.
  var hasNumberForUser: Bool { nextUser < 1 << 30 }
  var hasNumberForGroup: Bool { nextGroup < .max }

  mutating func put(_ invite: InviteRow) {
    invites.put(invite)
    changes.append(.invite(invite))
  }

  mutating func forget(invite hash: Digest) {
    guard invites.remove(hash) else { return }
    changes.append(.forgetInvite(hash))
  }

  /// Never backwards. Gives how far the user had processed before.
  mutating func move(_ cursor: CursorMove) -> Seq? {
    guard let user = users[cursor.user], cursor.seq > user.cursors[cursor.name] ?? 0 else { return nil }
    users[cursor.user]?.cursors[cursor.name] = cursor.seq
    changes.append(.cursor(cursor))
    if user.cursors.count >= Self.cursorsKept, user.cursors[cursor.name] == nil,
      let oldest = user.cursors.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })
    {
      forget(cursor: oldest.key, of: cursor.user)
    }
    return user.delivered
  }

  /// Named readers of one user; of more, the one that is furthest behind begins anew.
  static let cursorsKept = 32

  mutating func forget(cursor name: String, of user: UserID) {
    users[user]?.cursors[name] = nil
    changes.append(.forgetCursor(user, name: name))
  }
}
