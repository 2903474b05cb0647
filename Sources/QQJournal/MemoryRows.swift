import QQProtocol

/// What a projection keeps besides messages, in memory.
struct Rows: Sendable {
  private struct Stay: Hashable {
    var group: GroupID
    var joined: Seq
  }

  private struct User {
    var row: UserRow
    var stays: [Stay: MembershipRow] = [:]
    var cursors: [String: Seq] = [:]
  }

  private var users: [UserID: User] = [:]
  private var groups: [GroupID: GroupRow] = [:]
  private var files: [Seq: FileRow] = [:]
  private var invites: [Digest: InviteRow] = [:]
  private var nextUser: UInt32 = 1
  private var nextGroup: UInt32 = 1

  /// Rows of users that aren't there are left out.
  mutating func apply(_ change: Change) {
    switch change {
    case .message: break
    case .user(let row):
      users[row.id, default: User(row: row)].row = row
      nextUser = max(nextUser, row.id.rawValue &+ 1)
    case .forget(let id):
      users[id] = nil
    case .group(let row):
      groups[row.id] = row
      nextGroup = max(nextGroup, row.id.rawValue &+ 1)
    case .forgetGroup(let id): groups[id] = nil
    case .membership(let row):
      users[row.user]?.stays[Stay(group: row.group, joined: row.joined)] = row
    case .forgetMembership(let user, let group, let joined):
      users[user]?.stays[Stay(group: group, joined: joined)] = nil
    case .cursor(let move):
      users[move.user]?.cursors[move.name] = move.seq
    case .forgetCursor(let user, let name): users[user]?.cursors[name] = nil
    case .file(let row): files[row.seq] = row
    case .forgetFile(let seq): files[seq] = nil
    case .invite(let row): invites[row.hash] = row
    case .forgetInvite(let hash): invites[hash] = nil
    }
  }

  /// In the order of their numbers and names.
  func write(to snapshot: inout Snapshot) {
    let users = users.values.sorted { $0.row.id < $1.row.id }
    snapshot.users = users.map(\.row)
    snapshot.groups = groups.values.sorted { $0.id < $1.id }
    snapshot.memberships = users.flatMap { user in
      user.stays.values.sorted { ($0.group, $0.joined) < ($1.group, $1.joined) }
    }
    snapshot.cursors = users.flatMap { user in
      user.cursors.sorted { $0.key < $1.key }.map { CursorMove(user: user.row.id, name: $0.key, seq: $0.value) }
    }
    snapshot.files = files.values.sorted { $0.seq < $1.seq }
    snapshot.invites = invites.values.sorted { $0.hash.description < $1.hash.description }
    snapshot.nextUser = nextUser
    snapshot.nextGroup = nextGroup
  }
}
