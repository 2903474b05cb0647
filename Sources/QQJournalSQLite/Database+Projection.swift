import QQJournal
import QQProtocol

extension Database {
  /// Writes what was changed, to be committed with the next records.
  func project(_ projection: Projection) throws(SQLiteJournalError) {
    try open()
    keep(projection)
    for change in projection.changes { try apply(change) }
    applied = max(applied, min(projection.through, last))
    countChanges(projection.changes.count + 1)
  }

  private func apply(_ change: Change) throws(SQLiteJournalError) {
    switch change {
    case .message(let index):
      for conversation in index.conversations {
        try statements.insertEntry.bind(1, conversation.key).bind(2, index.seq).run()
      }
      let failures = index.failures.isEmpty ? nil : TargetFailure.encode(index.failures)
      try statements.insertID.bind(id: index.id, sender: index.sender).bind(4, index.seq)
        .bind(5, Int64(bitPattern: index.digest)).bind(6, failures).run()
    case .user(let row):
      nextUser = max(nextUser, row.id.rawValue &+ 1)
      try statements.putUser.bind(1, Int64(row.id.rawValue)).bind(2, row.key).bind(3, row.nick).bind(4, row.start)
        .bind(5, row.address?.bytes).bind(6, row.seen?.milliseconds).bind(7, Former.encode(row.former))
        .bind(8, row.removed?.milliseconds).bind(9, Absences.encode(row.absences)).run()
    case .forget(let id):
      for statement in statements.forget { try statement.bind(1, Int64(id.rawValue)).run() }
    case .group(let row):
      nextGroup = max(nextGroup, row.id.rawValue &+ 1)
      try statements.putGroup.bind(1, Int64(row.id.rawValue)).bind(2, row.name)
        .bind(3, row.isUsed ? 1 : 0).run()
    case .forgetGroup(let id): try statements.removeGroup.bind(1, Int64(id.rawValue)).run()
    case .membership(let row):
      try statements.putMembership.bind(1, Int64(row.user.rawValue)).bind(2, Int64(row.group.rawValue))
        .bind(3, row.joined).bind(4, row.left).run()
    case .forgetMembership(let user, let group, let joined):
      try statements.removeMembership.bind(1, Int64(user.rawValue)).bind(2, Int64(group.rawValue)).bind(3, joined).run()
    case .file(let row): try statements.putFile.bind(1, row.seq).bind(2, row.bytes).run()
    case .forgetFile(let seq): try statements.removeFile.bind(1, seq).run()
    case .invite(let row): try statements.putInvite.bind(1, row.hash.bytes).bind(2, row.bytes).run()
    case .forgetInvite(let hash): try statements.removeInvite.bind(1, hash.bytes).run()
    case .forgetCursor(let user, let name):
      try statements.removeCursor.bind(1, Int64(user.rawValue)).bind(2, name).run()
    case .cursor(let move):
      try statements.putCursor.bind(1, Int64(move.user.rawValue)).bind(2, move.name).bind(3, move.seq).run()
    }
  }

  // MARK: Reading it whole

  func readRows(into snapshot: inout Snapshot) throws(SQLiteJournalError) {
    snapshot.files = try readBlobs("SELECT row FROM files ORDER BY seq", "file", FileRow.decode)
    snapshot.invites = try readBlobs("SELECT row FROM invites ORDER BY hash", "invite", InviteRow.decode)
    let users = try connection.prepare(
      "SELECT id, key, nick, start, address, seen, former, removed, absences FROM users ORDER BY id")
    defer { users.reset() }
    while try users.step() { snapshot.users.append(try user(users)) }

    let groups = try connection.prepare("SELECT id, name, used FROM groups ORDER BY id")
    defer { groups.reset() }
    while try groups.step() {
      snapshot.groups.append(
        GroupRow(id: GroupID(try number32(groups, 0)), name: groups.text(1), isUsed: groups.number(2) != 0))
    }

    let memberships = try connection.prepare(
      "SELECT user, \"group\", joined, \"left\" FROM memberships ORDER BY user, \"group\", joined")
    defer { memberships.reset() }
    while try memberships.step() {
      snapshot.memberships.append(
        MembershipRow(
          user: UserID(try number32(memberships, 0)), group: GroupID(try number32(memberships, 1)),
          joined: memberships.number(2), left: memberships.isNull(3) ? nil : memberships.number(3)))
    }

    let cursors = try connection.prepare("SELECT user, name, seq FROM cursors ORDER BY user, name")
    defer { cursors.reset() }
    while try cursors.step() {
      snapshot.cursors.append(
        CursorMove(user: UserID(try number32(cursors, 0)), name: cursors.text(1), seq: cursors.number(2)))
    }
  }

  private func readBlobs<Row>(
    _ query: String, _ what: String, _ decode: (Span<UInt8>) throws(ByteCodingError) -> Row
  ) throws(SQLiteJournalError) -> [Row] {
    let statement = try connection.prepare(query)
    defer { statement.reset() }
    var rows: [Row] = []
    while try statement.step() { rows.append(try decoded(statement, 0, "\(what) \(rows.count + 1)", decode)) }
    return rows
  }

  private func user(_ row: Statement) throws(SQLiteJournalError) -> UserRow {
    let id = UserID(try number32(row, 0))
    var address: IPAddress?
    if let bytes = row.blob(4) {
      address = IPAddress(bytes: bytes)
      guard address != nil else { throw damaged("user \(id.rawValue) has no possible address") }
    }
    return UserRow(
      id: id, key: row.blob(1), nick: row.text(2), start: row.number(3), address: address,
      seen: row.isNull(5) ? nil : Timestamp(milliseconds: row.number(5)),
      former: row.isNull(6) ? [] : try decoded(row, 6, "user \(id.rawValue)", Former.decode),
      removed: row.isNull(7) ? nil : Timestamp(milliseconds: row.number(7)),
      absences: row.isNull(8) ? [] : try decoded(row, 8, "user \(id.rawValue)", Absences.decode))
  }

  private func number32(_ row: Statement, _ column: Int32) throws(SQLiteJournalError) -> UInt32 {
    guard let value = UInt32(exactly: row.number(column)) else { throw damaged("a number is out of range") }
    return value
  }
}

/// Names in one column.
private enum Former {
  static func encode(_ names: [String]) -> [UInt8]? {
    guard !names.isEmpty else { return nil }
    var writer = ByteWriter()
    writer.number(UInt64(names.count))
    for name in names { writer.text(name) }
    return writer.bytes
  }

  static func decode(_ bytes: Span<UInt8>) throws(ByteCodingError) -> [String] {
    var reader = ByteReader(bytes)
    var names: [String] = []
    for _ in 0..<(try reader.count()) { names.append(try reader.text()) }
    try reader.end()
    return names
  }
}

/// In one column.
private enum Absences {
  static func encode(_ absences: [UserRow.Absence]) -> [UInt8]? {
    guard !absences.isEmpty else { return nil }
    var writer = ByteWriter()
    writer.number(UInt64(absences.count))
    for absence in absences {
      writer.number(absence.after)
      writer.byte(absence.through == nil ? 0 : 1)
      if let through = absence.through { writer.number(through) }
    }
    return writer.bytes
  }

  static func decode(_ bytes: Span<UInt8>) throws(ByteCodingError) -> [UserRow.Absence] {
    var reader = ByteReader(bytes)
    var absences: [UserRow.Absence] = []
    for _ in 0..<(try reader.count()) {
      absences.append(
        UserRow.Absence(after: try reader.signed(), through: try reader.flag() ? try reader.signed() : nil))
    }
    try reader.end()
    return absences
  }
}

extension TargetFailure {
  static func encode(_ failures: [TargetFailure]) -> [UInt8] {
    var writer = ByteWriter()
    writer.number(UInt64(failures.count))
    for failure in failures {
      writer.text(failure.target)
      writer.text(failure.code)
      writer.text(failure.message)
    }
    return writer.bytes
  }

  static func decode(_ bytes: Span<UInt8>) throws(ByteCodingError) -> [TargetFailure] {
    var reader = ByteReader(bytes)
    var failures: [TargetFailure] = []
    for _ in 0..<(try reader.count()) {
      failures.append(
        TargetFailure(target: try reader.text(), code: try reader.text(), message: try reader.text()))
    }
    try reader.end()
    return failures
  }
}
