import QQJournal
import QQProtocol

extension JournalContract {
  static let pages: [Check] = [
    Check("an empty store has empty pages") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      let page = await probe.page(.all(.everyone))
      try expect(page, Page(records: [], more: false, applied: 0, floor: 1), "the page")
      await probe.close()
    },
    Check("a page has what was accepted, sees every projection before it, and says how far that came") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      probe.journal.append([.message(1), .join(1, "ops", at: 2), .message(1), .message(4)])
      let records = try await probe.records(4)
      // The third was refused: the hub gave it no place.
      probe.journal.project(
        Projection(changes: [records[0], records[3]].compactMap { .message($0) }, through: 4))
      let page = await probe.page(.all(.everyone))
      let expected = [records[0], records[3]].map { Committed(seq: $0.seq, record: $0.record) }
      try expect(page, Page(records: expected, more: false, applied: 4, floor: 1), "the page")
      await probe.close()
    },
    Check("a page never has more than 256 records, and pages joined have all") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept((1...700).map { (.message($0), [.everyone]) })
      for newest in [false, true] {
        var seqs: [Seq] = []
        var sizes: [Int] = []
        var query = PageQuery.all(.everyone, limit: 100_000, newest: newest)
        while true {
          let page = await probe.page(query)
          sizes.append(page.records.count)
          seqs = newest ? page.records.map(\.seq) + seqs : seqs + page.records.map(\.seq)
          guard page.more else { break }
          if newest { query.spans[0].through = seqs[0] - 1 } else { query.spans[0].after = seqs[seqs.count - 1] }
        }
        try expect(sizes, [256, 256, 188], "the pages' sizes")
        try expect(seqs, Array(1...700), "the pages joined")
      }
      await probe.close()
    },
    Check("any page is what a scan of everything finds") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      var random = SplitMix64(seed: 20)
      let conversations: [Conversation] =
        [.everyone, .pair(UserID(2), UserID(1)), .sent(UserID(1)), .inbox(UserID(1)), .inbox(UserID(2))]
        + (1...20).map { .group(GroupID($0)) }
      let messages = (1...900).map { number in
        (
          Record.message(number),
          (0..<Int.random(in: 1...3, using: &random)).map { _ in
            conversations.randomElement(using: &random) ?? .everyone
          }
        )
      }
      for start in stride(from: 0, to: messages.count, by: 100) {
        try await probe.accept(Array(messages[start..<start + 100]))
      }
      for _ in 0..<300 {
        let spans = (0..<Int.random(in: 0...25, using: &random)).map { _ in
          let after = Seq.random(in: 0...950, using: &random)
          return ConversationSpan(
            conversations.randomElement(using: &random) ?? .everyone, after: after,
            through: Bool.random(using: &random) ? .max : Seq.random(in: 0...950, using: &random))
        }
        let query = PageQuery(
          spans: spans, limit: Int.random(in: 0...300, using: &random), newest: Bool.random(using: &random))
        let page = await probe.page(query)
        let found = messages.indices.filter { index in
          let seq = Seq(index + 1)
          return spans.contains { $0.after < seq && seq <= $0.through && messages[index].1.contains($0.conversation) }
        }
        let limit = min(query.limit, PageQuery.maximumLimit)
        let expected = query.newest ? found.suffix(limit) : found.prefix(limit)
        try expect(page.records.map(\.seq), expected.map { Seq($0 + 1) }, "the page of \(query)")
        try expect(page.records.map(\.record), expected.map { messages[$0].0 }, "the records of \(query)")
        try expect(page.more, found.count > limit, "whether there are more for \(query)")
      }
      await probe.close()
    },
  ]

  static let times: [Check] = [
    Check("a time parts the messages before it from the rest") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      let times: [Int64] = [10, 10, 20, 30, 30, 30, 40]
      try await probe.accept(times.enumerated().map { (.message($0 + 1, at: $1), [.everyone]) })
      for (time, seq): (Int64, Seq) in [(0, 0), (10, 0), (11, 2), (20, 2), (25, 3), (30, 3), (31, 6), (40, 6), (41, 7)]
      {
        try expect(await probe.seq(before: Record.time(time)), seq, "the seq before \(time)")
      }
      await probe.close()
    },
    Check("records that were not projected count too") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      try await probe.accept([(.message(1, at: 10), [.everyone])])
      probe.journal.append([.message(2, at: 20), .message(3, at: 30)])
      _ = try await probe.records(2)
      try expect(await probe.seq(before: Record.time(25)), 2, "the seq")
      try expect(await probe.seq(before: Record.time(99)), 3, "the last seq")
      await probe.close()
    },
  ]
}
