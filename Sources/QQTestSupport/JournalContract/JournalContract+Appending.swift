import QQJournal
import QQProtocol
import Synchronization

extension JournalContract {
  static let appending: [Check] = [
    Check("records are numbered from 1 in the order of appending") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      probe.journal.append([.message(1), .join(4, "ops", at: 2)])
      probe.journal.append([.message(3)])
      let records = try await probe.records(3)
      try expect(records.map(\.seq), [1, 2, 3], "the order")
      try expect(records.map(\.record), [.message(1), .join(4, "ops", at: 2), .message(3)], "what was delivered")
      await probe.close()
    },
    Check("records of many threads are delivered once each, one event at a time, each thread's in its order") {
      harness in
      let threads = 4
      let each = 500
      let probe = JournalProbe(try harness.make())
      let delivering = Mutex((now: 0, most: 0))
      let (stream, continuation) = AsyncStream.makeStream(of: [Committed].self)
      probe.journal.start { event in
        delivering.withLock { state in
          state.now += 1
          state.most = max(state.most, state.now)
        }
        if case .committed(let batch) = event { continuation.yield(batch.records) }
        delivering.withLock { $0.now -= 1 }
      }
      await withTaskGroup { group in
        for thread in 0..<threads {
          group.addTask {
            for number in 0..<each { probe.journal.append([.message(thread * each + number)]) }
          }
        }
      }
      await probe.close()
      continuation.finish()
      var records: [Committed] = []
      for await batch in stream { records += batch }
      try expect(records.map(\.seq), Array(1...Seq(threads * each)), "the order")
      try expect(delivering.withLock(\.most), 1, "the most deliveries at once")
      for thread in 0..<threads {
        let own = Int64(thread * each)..<Int64((thread + 1) * each)
        try expect(records.map(\.record.origin.ref).filter(own.contains), Array(own), "the order of thread \(thread)")
      }
    },
    Check("what is appended within a delivery is delivered after it") { harness in
      let probe = JournalProbe(try harness.make())
      let log = Mutex<[String]>([])
      let (done, finished) = AsyncStream.makeStream(of: Void.self)
      probe.journal.start { event in
        guard case .committed(let batch) = event, let first = batch.records.first else { return }
        log.withLock { $0.append("begin \(first.seq)") }
        if first.seq == 1 { probe.journal.append([.message(2)]) }
        log.withLock { $0.append("end \(first.seq)") }
        if first.seq == 2 { finished.finish() }
      }
      probe.journal.append([.message(1)])
      for await _ in done {}
      try expect(log.withLock { $0 }, ["begin 1", "end 1", "begin 2", "end 2"], "the order")
      await probe.close()
    },
    Check("closing delivers what was appended before") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      for number in 1...50 { probe.journal.append([.message(number)]) }
      await probe.close()
      try expect(try await probe.records(50).map(\.seq), Array(1...50), "what was delivered")
      try expect(await probe.event() == nil, true, "that nothing follows")
    },
  ]

  static let ids: [Check] = [
    Check("a message comes with what is known of its sender and id") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      let targets: [RecordTarget] = [.nick("bob"), .address("10.0.0.7", users: [UserID(3), UserID(4)])]
      let failures = [TargetFailure(target: "bbo", code: "no-user", message: "nobody called \"bbo\"")]
      probe.journal.append([.message(5, to: targets)])
      let first = try await probe.records(1)
      probe.journal.project(
        Projection(changes: first.compactMap { .message($0, [.inbox(UserID(3))], failures: failures) }, through: 1))
      probe.journal.append([.message(5, text: "again"), .message(5, from: 2), .message(6)])
      let batches = try await probe.batches(3)
      let earlier = Earlier(seq: 1, digest: ~1, failures: failures, targets: targets)
      try expect(batches.flatMap(\.records).map(\.earlier), [earlier, nil, nil], "what is known")
      try expect(batches.map(\.projected), batches.map { _ in 1 }, "how far the projection had come")
      await probe.close()
    },
    Check("an id that was not projected is not known yet") { harness in
      let probe = JournalProbe(try harness.make())
      probe.start()
      probe.journal.append([.message(1), .message(1)])
      probe.journal.append([.message(1)])
      let batches = try await probe.batches(3)
      try expect(batches.flatMap(\.records).map(\.earlier), [nil, nil, nil], "what is known")
      try expect(batches.map(\.projected), batches.map { _ in 0 }, "how far the projection had come")
      await probe.close()
    },
  ]
}
