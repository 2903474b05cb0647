import QQProtocol
import QQTestSupport
import Testing

@testable import QQJournal

@Suite(.timeLimit(.minutes(10))) struct MemoryJournalTests {
  @Test("the contract holds", arguments: JournalContract.checks)
  func contract(_ check: JournalContract.Check) async throws {
    try await check.run(JournalHarness(make: { MemoryJournal(epoch: JournalHarness.epoch) }, keepsIDs: false))
  }

  /// Messages of 1 KiB in `conversations`, on a ring of 100 KiB.
  private func overrun(_ count: Int) async throws -> JournalProbe {
    let probe = JournalProbe(MemoryJournal(epoch: "e", capacity: 100 << 10))
    probe.start()
    let text = String(repeating: "x", count: 1_024)
    for start in stride(from: 1, through: count, by: 10) {
      try await probe.accept(
        (start..<start + 10).map { (.message($0, text: text), [.everyone, .group(GroupID(UInt32($0 % 10)))]) })
    }
    return probe
  }

  @Test("the oldest messages go when the ring is full, and the floor says so")
  func bounded() async throws {
    let probe = try await overrun(1_000)
    let page = await probe.page(.all(.everyone))
    #expect(page.floor > 900 && page.floor < 960)
    #expect(page.records.map(\.seq) == Array(page.floor...1_000))
    #expect(try probe.journal.load().floor == page.floor)
    let group = await probe.page(.all(.group(GroupID(3))))
    #expect(group.records.map(\.seq) == Array(page.floor...1_000).filter { $0 % 10 == 3 })
    await probe.close()
  }

  @Test("a time that the ring lost gives 0, so that its reader finds the gap")
  func lostTime() async throws {
    let probe = try await overrun(1_000)
    let floor = try probe.journal.load().floor
    #expect(await probe.seq(before: Record.time(500)) == 0)
    #expect(await probe.seq(before: Record.time(floor - 1)) == 0)
    #expect(await probe.seq(before: Record.time(floor)) == floor - 1)
    #expect(await probe.seq(before: Record.time(floor + 5)) == floor + 4)
    await probe.close()
  }

  @Test("ids go with their messages")
  func ids() async throws {
    let probe = try await overrun(1_000)
    probe.journal.append([.message(100), .message(995)])
    #expect(try await probe.records(2).map { $0.earlier?.seq } == [nil, 995])
    await probe.close()
  }

  @Test("records that are no messages take no place in the ring")
  func otherRecords() async throws {
    let probe = try await overrun(10)
    for _ in 0..<100 {
      probe.journal.append((0..<100).map { .join(1, "ops", at: 1_000 + $0) })
      let last = try await probe.records(100).last?.seq ?? 0
      probe.journal.project(Projection(changes: [], through: last))
    }
    let page = await probe.page(.all(.everyone))
    #expect(page.records.map(\.seq) == Array(1...10))
    #expect(page.applied == 10_010)
    #expect(page.floor == 1)
    await probe.close()
  }

  @Test("closing within a delivery ends after it")
  func closingWithin() async throws {
    let journal = MemoryJournal(epoch: "e")
    let log = Log()
    journal.start { event in
      guard case .committed(let batch) = event, let seq = batch.records.first?.seq else { return }
      if seq == 1 {
        journal.append([.message(2)])
        journal.close { log.add("closed") }
        journal.append([.message(3)])
      }
      log.add("\(seq)")
    }
    journal.append([.message(1)])
    #expect(log.lines == ["1", "2", "closed"])
  }
}
