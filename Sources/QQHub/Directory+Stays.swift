import QQJournal
import QQProtocol

/// Who is and was in which group. A group is there as long as somebody is in it, or may read what was said in it.
extension Directory {
  mutating func index(_ row: MembershipRow) {
    guard users[row.user] != nil, groups[row.group] != nil else { return }
    if let place = users[row.user]?.stays.firstIndex(where: { $0.group == row.group && $0.joined == row.joined }) {
      users[row.user]?.stays[place] = row
    } else {
      users[row.user]?.stays.append(row)
      groups[row.group]?.stays += 1
    }
    if row.left == nil {
      groups[row.group]?.members.insertSorted(row.user)
    } else {
      groups[row.group]?.members.removeSorted(row.user)
    }
  }

  /// The group is made where there is none.
  mutating func join(_ id: UserID, _ name: GroupName, at seq: Seq) {
    let group: GroupID
    if let known = groupsByName[name.folded] {
      group = known
    } else {
      group = GroupID(nextGroup)
      nextGroup += 1
      let row = GroupRow(id: group, name: name.text)
      groups[group] = Group(row: row)
      groupsByName[name.folded] = group
      changes.append(.group(row))
    }
    guard let user = users[id], !user.isMember(of: group) else { return }
    let row = MembershipRow(user: id, group: group, joined: seq)
    index(row)
    changes.append(.membership(row))
    forgetOldStays(id)
  }

  /// Who comes and goes for ever would have the hub remember it all: the oldest stay that is over goes, and with it
  /// that user's right to read what was said during it.
  private mutating func forgetOldStays(_ id: UserID) {
    guard let stays = users[id]?.stays, stays.count(where: { $0.left != nil }) > Self.staysKept,
      let oldest = stays.first(where: { $0.left != nil })
    else { return }
    forget(oldest)
  }

  private mutating func forget(_ stay: MembershipRow) {
    users[stay.user]?.stays.removeAll { $0.group == stay.group && $0.joined == stay.joined }
    changes.append(.forgetMembership(stay.user, stay.group, joined: stay.joined))
    left(stay)
  }

  /// Stays of one user that are over.
  static let staysKept = 1_000

  mutating func leave(_ id: UserID, _ group: GroupID, at seq: Seq) {
    guard var row = users[id]?.stays.last(where: { $0.group == group && $0.left == nil }) else { return }
    // Where nothing was said there is nothing to read.
    if groups[group]?.row.isUsed == false { return forget(row) }
    row.left = seq
    index(row)
    changes.append(.membership(row))
  }

  /// Something was said in a group.
  mutating func use(_ id: GroupID) {
    guard var row = groups[id]?.row, !row.isUsed else { return }
    row.isUsed = true
    groups[id]?.row = row
    changes.append(.group(row))
  }

  /// A stay is no more.
  mutating func left(_ stay: MembershipRow) {
    if stay.left == nil { groups[stay.group]?.members.removeSorted(stay.user) }
    groups[stay.group]?.stays -= 1
    if let group = groups[stay.group], group.stays == 0 { forget(group.row) }
  }

  mutating func forget(_ group: GroupRow) {
    groups[group.id] = nil
    groupsByName[Self.fold(group: group.name)] = nil
    changes.append(.forgetGroup(group.id))
  }

  // MARK: What is about messages that are gone

  /// Something of these users would go: see `prune`.
  func hasSomethingOld(_ ids: ClosedRange<UserID>, through seq: Seq) -> Bool {
    (ids.lowerBound.rawValue...ids.upperBound.rawValue).contains { id in
      guard let user = users[UserID(id)] else { return false }
      return user.stays.contains { $0.left ?? .max <= seq } || !user.cursors(behind: seq).isEmpty
    }
  }

  /// No message up to `seq` is kept: stays that ended before let nobody read anything, and readers that haven't read that
  /// far begin at what is kept all the same. The one that has read furthest stays: it says what the user has read.
  mutating func prune(_ ids: ClosedRange<UserID>, through seq: Seq) {
    for id in ids.lowerBound.rawValue...min(ids.upperBound.rawValue, max(nextUser, ids.lowerBound.rawValue)) {
      guard let user = users[UserID(id)] else { continue }
      for stay in user.stays where stay.left ?? .max <= seq { forget(stay) }
      for name in user.cursors(behind: seq) { forget(cursor: name, of: user.row.id) }
    }
  }

  /// The number of the newest user.
  var lastUser: UserID { UserID(nextUser - 1) }

  /// Rows that a store keeps, counted.
  var rows: (guests: Int, groups: Int, stays: Int, cursors: Int) {
    users.values.reduce(into: (0, groups.count, 0, 0)) { rows, user in
      if user.isGuest { rows.0 += 1 }
      rows.2 += user.stays.count
      rows.3 += user.cursors.count
    }
  }
}
