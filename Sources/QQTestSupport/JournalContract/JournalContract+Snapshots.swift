import QQJournal
import QQProtocol

extension JournalContract {
  private static let ann = UserRow(
    id: UserID(1), key: Array(0..<32), nick: "ann", start: 0, address: IPAddress(v4: 0x0a00_0001),
    seen: Record.time(5), former: ["anna", "Änne"])
  private static let carol = UserRow(
    id: UserID(4), key: Array(repeating: 7, count: 32), nick: "carol", start: 5, removed: Record.time(8),
    absences: [.init(after: 2, through: 3), .init(after: 4)])
  private static let invites = (0..<3).map { number in
    InviteRow(
      hash: Digest(of: [number]), by: UserID(1), nick: number == 0 ? "дора" : nil, made: Record.time(1),
      expires: Record.time(9),
      end: [nil, .used(by: UserID(3), at: Record.time(2)), .revoked(at: Record.time(3))][Int(number)])
  }
  private static let guest = UserRow(id: UserID(2), key: nil, nick: "guest-1", start: 3)
  private static let bob = UserRow(
    id: UserID(3), key: Array(repeating: 255, count: 32), nick: "боб", start: 4,
    address: IPAddress(v6High: 0xfe80_0000_0000_0000, low: 1))

  private static let offer = MessageBody(
    sender: UserID(1), from: "ann", address: IPAddress(v4: 1), id: MessageID(high: 1, low: 2),
    targets: [.nick("боб"), .address("10.0.0.1", users: [UserID(3)])], text: "",
    attachment: .file(FileInfo(name: "фото", size: 5, manifest: 2, mode: 0o700, modified: Record.time(2))))
  private static let file = FileRow(
    seq: 5, time: Record.time(4), offer: offer, audience: [UserID(3)],
    conversations: [.sent(UserID(1)), .inbox(UserID(3)), .pair(UserID(1), UserID(3)), .group(GroupID(2)), .everyone])
  private static var savedFile: FileRow {
    var row = file
    row.content = .init(size: 5, hash: TreeHash(Digest(of: [1])))
    row.saved = [UserID(1), UserID(3)]
    return row
  }
  private static let fileForAll = FileRow(
    seq: 3, time: Record.time(6), offer: offer, audience: nil, conversations: [.everyone])

  /// Users, groups, memberships, cursors and files, some of them put twice.
  private static let changes: [Change] = [
    .user(UserRow(id: UserID(1), key: Array(0..<32), nick: "anna", start: 0)),
    .user(bob), .user(guest), .user(ann),
    .group(GroupRow(id: GroupID(2), name: "ops")), .group(GroupRow(id: GroupID(1), name: "dev")),
    .group(GroupRow(id: GroupID(2), name: "ops", isUsed: true)), .group(GroupRow(id: GroupID(3), name: "gone")),
    .forgetGroup(GroupID(3)), .forgetGroup(GroupID(9)),
    .membership(MembershipRow(user: UserID(1), group: GroupID(2), joined: 4)),
    .membership(MembershipRow(user: UserID(1), group: GroupID(2), joined: 4, left: 6)),
    .membership(MembershipRow(user: UserID(1), group: GroupID(2), joined: 9)),
    .membership(MembershipRow(user: UserID(3), group: GroupID(1), joined: 7)),
    .membership(MembershipRow(user: UserID(3), group: GroupID(1), joined: 3, left: 5)),
    .forgetMembership(UserID(3), GroupID(1), joined: 3),
    .cursor(CursorMove(user: UserID(3), name: "listen", seq: 1)),
    .cursor(CursorMove(user: UserID(3), name: "gone", seq: 1)), .forgetCursor(UserID(3), name: "gone"),
    .forgetCursor(UserID(1), name: "nobody's"),
    .cursor(CursorMove(user: UserID(1), name: "listen", seq: 1)),
    .cursor(CursorMove(user: UserID(1), name: "", seq: 2)),
    .cursor(CursorMove(user: UserID(1), name: "listen", seq: 2)),
    .file(file), .file(fileForAll), .file(savedFile),
    .file(FileRow(seq: 9, time: Record.time(1), offer: offer, audience: [], conversations: [])),
    .forgetFile(9), .forgetFile(100),
    .user(carol),
    .invite(InviteRow(hash: invites[1].hash, by: UserID(3), nick: nil, made: Record.time(0), expires: Record.time(0))),
    .invite(invites[0]), .invite(invites[1]), .invite(invites[2]),
    .invite(
      InviteRow(hash: Digest(of: [9]), by: UserID(1), nick: nil, made: Record.time(1), expires: Record.time(2))),
    .forgetInvite(Digest(of: [9])), .forgetInvite(Digest(of: [10])),
  ]

  private static func expected(applied: Seq, time: Int64) -> Snapshot {
    var snapshot = Snapshot(epoch: JournalHarness.epoch)
    snapshot.applied = applied
    snapshot.users = [ann, guest, bob, carol]
    snapshot.invites = invites.sorted { $0.hash.description < $1.hash.description }
    snapshot.groups = [
      GroupRow(id: GroupID(1), name: "dev"), GroupRow(id: GroupID(2), name: "ops", isUsed: true),
    ]
    snapshot.memberships = [
      MembershipRow(user: UserID(1), group: GroupID(2), joined: 4, left: 6),
      MembershipRow(user: UserID(1), group: GroupID(2), joined: 9),
      MembershipRow(user: UserID(3), group: GroupID(1), joined: 7),
    ]
    snapshot.cursors = [
      CursorMove(user: UserID(1), name: "", seq: 2), CursorMove(user: UserID(1), name: "listen", seq: 2),
      CursorMove(user: UserID(3), name: "listen", seq: 1),
    ]
    snapshot.files = [fileForAll, savedFile]
    snapshot.nextUser = 5
    snapshot.nextGroup = 4
    snapshot.time = Record.time(time)
    return snapshot
  }

  static let snapshots: [Check] = [
    Check("a new store has nothing but its epoch") { harness in
      let probe = JournalProbe(try harness.make())
      try expect(try probe.journal.load(), Snapshot(epoch: JournalHarness.epoch), "the snapshot")
      await probe.close()
    },
    Check("a snapshot has the newest rows, in the order of their numbers") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      probe.journal.append([.message(1), .message(2)])
      _ = try await probe.records(2)
      probe.journal.project(Projection(changes: changes, through: 1))
      try expect(try probe.journal.load(), expected(applied: 1, time: 2), "the snapshot")
      await probe.close()
    },
    Check("who is forgotten takes memberships and cursors along, and leaves messages and the number") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept([(.message(1, from: 3), [.everyone])])
      probe.journal.project(Projection(changes: changes + [.forget(UserID(3)), .forget(UserID(2))], through: 1))
      let snapshot = try probe.journal.load()
      try expect(snapshot.users, [ann, carol], "the users")
      try expect(snapshot.memberships.map(\.user), [UserID(1), UserID(1)], "the memberships' users")
      try expect(snapshot.cursors.map(\.user), [UserID(1), UserID(1)], "the cursors' users")
      try expect(snapshot.nextUser, 5, "the next user's number")
      try expect(await probe.page(.all(.everyone)).records.map(\.seq), [1], "the messages")
      await probe.close()
    },
  ]

  static let reopening: [Check] = [
    Check("what was closed is there when it is opened again") { harness in
      guard let reopen = harness.reopen else { return }
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept((1...300).map { (.message($0), [.everyone]) })
      probe.journal.project(Projection(changes: changes, through: 300))
      await probe.close()

      let again = JournalProbe(try reopen())
      try expect(try again.journal.load(), expected(applied: 300, time: 300), "the snapshot")
      again.start()
      try expect(await again.page(.all(.everyone)).records.map(\.seq), Array(1...256), "the page")
      again.journal.append([.message(7, at: 301), .message(301)])
      let records = try await again.records(2)
      try expect(records.map(\.seq), [301, 302], "the next records")
      try expect(
        records.map(\.earlier), [Earlier(seq: 7, digest: ~7, failures: [], targets: [.group("all")]), nil],
        "what is known")
      await again.close()
    },
    Check("records that were not projected are delivered again, in order, before new ones") { harness in
      guard let reopen = harness.reopen else { return }
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept([(.message(1), [.everyone])])
      let messages = (2...1_500).map { Record.message($0 == 700 ? 1 : $0, at: Int64($0)) }
      probe.journal.append(messages)
      _ = try await probe.records(messages.count)
      await probe.close()

      let again = JournalProbe(try reopen())
      let snapshot = try again.journal.load()
      try expect(snapshot.applied, 1, "how far the projection came")
      try expect(snapshot.time, Record.time(1_500), "the time of the newest record")
      again.start()
      again.journal.append([.message(1_501)])
      let batches = try await again.batches(1_500)
      let records = batches.flatMap(\.records)
      try expect(records.map(\.seq), Array(2...1_501), "the order")
      try expect(records.map(\.record), messages + [.message(1_501)], "the records")
      try expect(records.filter { $0.earlier != nil }.map(\.seq), [700], "the records whose id is known")
      try expect(batches.map(\.projected), batches.map { _ in 1 }, "how far the projection had come")
      await again.close()
    },
  ]
}
