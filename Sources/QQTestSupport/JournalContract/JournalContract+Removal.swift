import QQJournal
import QQProtocol

extension JournalContract {
  static let removal: [Check] = [
    Check("messages older than a time are removed, and nothing else") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      let row = UserRow(id: UserID(1), key: nil, nick: "ann", start: 0)
      let messages = (1...6_000).map {
        (Record.message($0), [Conversation.everyone, .group(GroupID(UInt32($0 % 50)))])
      }
      for start in stride(from: 0, to: messages.count, by: 1_000) {
        try await probe.accept(Array(messages[start..<start + 1_000]))
      }
      probe.journal.project(Projection(changes: [.user(row)], through: 6_000))
      let floor = await probe.remove(before: Record.time(5_001), idsBefore: Record.time(5_001))
      try expect(floor, 5_001, "the first seq still kept")
      let page = await probe.page(.all(.everyone, limit: 2))
      try expect(page.records.map(\.seq), [5_001, 5_002], "the page")
      try expect(page.floor, 5_001, "the page's floor")
      let group = await probe.page(.all(.group(GroupID(7)), limit: 3))
      try expect(group.records.map(\.seq), [5_007, 5_057, 5_107], "the group's page")
      let snapshot = try probe.journal.load()
      try expect(snapshot.floor, 5_001, "the snapshot's floor")
      try expect(snapshot.users, [row], "the users")
      try expect(snapshot.applied, 6_000, "how far the projection came")
      await probe.close()
    },
    Check("a time among the removed ones gives 0, a later one the seq") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept((1...10).map { (.message($0), [.everyone]) })
      _ = await probe.remove(before: Record.time(6), idsBefore: Record.time(6))
      for (time, seq): (Int64, Seq) in [(3, 0), (5, 0), (6, 5), (8, 7), (99, 10)] {
        try expect(await probe.seq(before: Record.time(time)), seq, "the seq before \(time)")
      }
      await probe.close()
    },
    Check("records that were not projected are not removed") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept((1...3).map { (.message($0), [.everyone]) })
      probe.journal.append([.message(4), .message(5)])
      let records = try await probe.records(2)
      try expect(
        await probe.remove(before: Record.time(99), idsBefore: Record.time(99)), 4, "the first seq still kept")
      probe.journal.project(Projection(changes: records.compactMap { .message($0) }, through: 5))
      try expect(await probe.page(.all(.everyone)).records.map(\.seq), [4, 5], "the page")
      await probe.close()
    },
    Check("the journal goes on after everything was removed") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept((1...3).map { (.message($0), [.everyone]) })
      try expect(
        await probe.remove(before: Record.time(99), idsBefore: Record.time(99)), 4, "the first seq still kept")
      try expect(await probe.remove(before: Record.time(2), idsBefore: Record.time(2)), 4, "the floor, which stays")
      try expect(try await probe.accept([(.message(4), [.everyone])]).map(\.seq), [4], "the next seq")
      try expect(try probe.journal.load().time, Record.time(4), "the time")
      await probe.close()
    },
    Check("an id is known as long as it is asked for") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept((1...5_000).map { (.message($0), [.everyone]) })
      func known() async throws -> [Seq?] {
        probe.journal.append([.message(1_000, at: 9_000), .message(3_000, at: 9_000), .message(4_500, at: 9_000)])
        return try await probe.records(3).map { $0.earlier?.seq }
      }
      _ = await probe.remove(before: Record.time(4_001), idsBefore: Record.time(2_001))
      try expect(try await known(), harness.keepsIDs ? [nil, 3_000, 4_500] : [nil, nil, 4_500], "what is known")
      _ = await probe.remove(before: Record.time(4_001), idsBefore: Record.time(4_001))
      try expect(try await known(), [nil, nil, 4_500], "what is known later")
      await probe.close()
    },
  ]
}
