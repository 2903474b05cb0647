import QQJournal
import QQProtocol

/// What a store keeps: small, ordered and plain, so that it can be copied where a disk would keep it, and compared.
struct SimProjection {
  private(set) var applied: Seq = 0
  private(set) var floor: Seq = 1
  private(set) var users: [UserRow] = []
  private(set) var groups: [GroupRow] = []
  private(set) var memberships: [MembershipRow] = []
  private(set) var cursors: [CursorMove] = []
  private(set) var files: [FileRow] = []
  private(set) var invites: [Digest: InviteRow] = [:]
  /// In seq order, those that were removed included: ids outlive messages.
  private(set) var messages: [MessageIndex] = []
  private var places: [IDKey: Int] = [:]
  private var nextUser: UInt32 = 1
  private var nextGroup: UInt32 = 1

  private struct IDKey: Hashable {
    var sender: UserID
    var id: MessageID
  }

  /// Gives what no store may be given: why it is wrong.
  mutating func apply(_ projection: Projection) -> Violation.Finding? {
    var finding: Violation.Finding?
    for change in projection.changes { finding = apply(change) ?? finding }
    if projection.through < applied {
      finding = (.divergence, "the projection went back from \(applied) to \(projection.through)")
    }
    applied = projection.through
    return finding
  }

  private mutating func apply(_ change: Change) -> Violation.Finding? {
    switch change {
    case .message(let index):
      let key = IDKey(sender: index.sender, id: index.id)
      if let place = places[key] {
        return (.storedTwice, "\(index.id) was stored as \(messages[place].seq) and again as \(index.seq)")
      }
      if let last = messages.last, last.seq >= index.seq {
        return (.divergence, "message \(index.seq) was projected after \(last.seq)")
      }
      places[key] = messages.count
      messages.append(index)
    case .user(let row):
      nextUser = max(nextUser, row.id.rawValue + 1)
      if let place = users.firstIndex(where: { $0.id >= row.id }), users[place].id == row.id {
        users[place] = row
      } else {
        users.insert(row, at: users.firstIndex { $0.id > row.id } ?? users.endIndex)
      }
    case .forget(let id):
      users.removeAll { $0.id == id }
      memberships.removeAll { $0.user == id }
      cursors.removeAll { $0.user == id }
    case .group(let row):
      nextGroup = max(nextGroup, row.id.rawValue + 1)
      groups.removeAll { $0.id == row.id }
      groups.append(row)
    case .forgetGroup(let id):
      groups.removeAll { $0.id == id }
      if memberships.contains(where: { $0.group == id }) {
        return (.divergence, "group \(id.rawValue) was forgotten, and somebody is in it or was")
      }
    case .forgetMembership(let user, let group, let joined):
      memberships.removeAll { $0.user == user && $0.group == group && $0.joined == joined }
    case .membership(let row):
      let place = memberships.firstIndex { $0.user == row.user && $0.group == row.group && $0.joined == row.joined }
      if let place { memberships[place] = row } else { memberships.append(row) }
    case .forgetCursor(let user, let name): cursors.removeAll { $0.user == user && $0.name == name }
    case .cursor(let move):
      if let place = cursors.firstIndex(where: { $0.user == move.user && $0.name == move.name }) {
        if cursors[place].seq > move.seq { return (.cursorBack, "a cursor went back to \(move)") }
        cursors[place] = move
      } else {
        cursors.append(move)
      }
    case .file(let row):
      files.removeAll { $0.seq == row.seq }
      files.append(row)
    case .forgetFile(let seq): files.removeAll { $0.seq == seq }
    case .invite(let row): invites[row.hash] = row
    case .forgetInvite(let hash): invites[hash] = nil
    }
    return nil
  }

  /// Messages before `seq` are kept no longer.
  mutating func remove(before seq: Seq) { floor = max(floor, seq) }

  func earlier(_ message: MessageBody, _ log: [Record]) -> Earlier? {
    guard let place = places[IDKey(sender: message.sender, id: message.id)] else { return nil }
    let index = messages[place]
    var targets: [RecordTarget] = []
    if index.seq >= floor, index.seq <= log.count, case .message(let body) = log[Int(index.seq) - 1].body {
      targets = body.targets
    }
    return Earlier(seq: index.seq, digest: index.digest, failures: index.failures, targets: targets)
  }

  /// `limit` of what a question asks for; a real store gives as many as it likes up to the question's own limit.
  func page(_ query: PageQuery, limit: Int, _ log: [Record]) -> Page {
    let limit = min(limit, query.limit)
    var found: [Committed] = []
    var more = false
    for index in query.newest ? Array(messages.reversed()) : messages where index.seq >= floor {
      let isWanted = query.spans.contains { span in
        index.seq > span.after && index.seq <= min(span.through, Seq(log.count))
          && index.conversations.contains(span.conversation)
      }
      guard isWanted else { continue }
      if found.count == limit {
        more = true
        break
      }
      found.append(Committed(seq: index.seq, record: log[Int(index.seq) - 1]))
    }
    return Page(records: query.newest ? found.reversed() : found, more: more, applied: applied, floor: floor)
  }

  /// As `Store.seq(before:)`.
  func seq(before time: Timestamp, _ log: [Record]) -> Seq {
    guard let index = messages.first(where: { $0.seq <= log.count && log[Int($0.seq) - 1].time >= time }) else {
      return Seq(log.dropFirst(Int(applied)).firstIndex { $0.time >= time } ?? log.count)
    }
    return index.seq < floor ? 0 : index.seq - 1
  }

  func snapshot(epoch: String, time: Timestamp) -> Snapshot {
    var snapshot = Snapshot(epoch: epoch)
    snapshot.applied = applied
    snapshot.floor = floor
    snapshot.users = users
    snapshot.invites = invites.values.sorted { $0.hash.description < $1.hash.description }
    snapshot.groups = groups
    snapshot.memberships = memberships
    snapshot.cursors = cursors
    snapshot.files = files
    snapshot.nextUser = nextUser
    snapshot.nextGroup = nextGroup
    snapshot.time = time
    return snapshot
  }
}
