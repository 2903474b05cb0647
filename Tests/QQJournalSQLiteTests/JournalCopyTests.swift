import Glibc
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@testable import QQJournalSQLite

@Suite("a journal is copied while it is used") struct JournalCopyTests {
  private let directory: TemporaryDirectory
  private let other: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    other = try TemporaryDirectory()
  }

  private func open(_ directory: TemporaryDirectory, epoch: String) throws -> SQLiteJournal {
    try SQLiteJournal(path: directory.journal) { epoch }
  }

  private let text = String(repeating: "x", count: 20_000)

  /// A journal of so many messages, in batches of 50.
  private func filled(_ count: Int) async throws -> (SQLiteJournal, JournalProbe) {
    let journal = try open(directory, epoch: "first")
    let probe = JournalProbe(journal)
    probe.start()
    for first in stride(from: 1, through: count, by: 50) {
      try await probe.accept((first..<first + 50).map { (.message($0, text: text), [.everyone]) })
    }
    return (journal, probe)
  }

  private func copy(_ journal: SQLiteJournal, to path: String) async -> Result<Seq, CopyFailure> {
    await withCheckedContinuation { done in journal.copy(to: path) { done.resume(returning: $0) } }
  }

  @Test("the copy is of one moment: each record up to there and none behind it, however many came meanwhile")
  func oneMoment() async throws {
    let (journal, probe) = try await filled(500)
    // Some hundred slices, and commits between them.
    async let copied = copy(journal, to: other.journal)
    var number = 500
    for _ in 0..<40 {
      number += 1
      try await probe.accept([(.message(number, text: text), [.everyone])])
    }
    let seq = try await copied.get()
    #expect((500...540).contains(Int(seq)))
    try await probe.accept([(.message(9_999), [.everyone])])
    await probe.close()

    let again = try open(other, epoch: "second")
    #expect(again.isRestored)
    let snapshot = try again.load()
    #expect(snapshot.epoch == "second")
    let check = JournalProbe(again)
    check.start()
    let replayed = try await check.records(Int(seq - snapshot.applied)).map(\.seq)
    #expect(replayed == Array(snapshot.applied..<seq).map { $0 + 1 })
    let page = await check.page(.all(.everyone))
    #expect(page.records.map(\.seq) == Array(1...min(snapshot.applied, Int64(page.records.count))))
    #expect(page.records.count >= 250)
    await check.close()

    // Once: from then on it is that journal.
    let third = try open(other, epoch: "third")
    #expect(!third.isRestored)
    #expect(try third.load().epoch == "second")
    await JournalProbe(third).close()
    #expect(try other.mode("journal.db") == 0o600)
  }

  @Test("a copy that can't be made fails alone: the journal goes on")
  func failure() async throws {
    let journal = try open(directory, epoch: "first")
    let probe = JournalProbe(journal)
    probe.start()
    try await probe.accept([(.message(1), [.everyone])])
    guard case .failure(let failure) = await copy(journal, to: "/nowhere/journal.db") else {
      Issue.record("it was made")
      return
    }
    #expect(failure.message.contains("/nowhere/journal.db"))
    try await probe.accept([(.message(2), [.everyone])])
    #expect(await probe.page(.all(.everyone)).records.map(\.seq) == [1, 2])
    await probe.close()
  }

  @Test("what was restored by other means, as by cp, has another epoch too; what was left alone keeps it")
  func otherMeans() async throws {
    await JournalProbe(try open(directory, epoch: "first")).close()
    let same = try open(directory, epoch: "second")
    #expect(!same.isRestored)
    #expect(try same.load().epoch == "first")
    await JournalProbe(same).close()
    try other.write(try directory.read("journal.db"), to: "journal.db")
    let copied = try open(other, epoch: "second")
    #expect(copied.isRestored)
    #expect(try copied.load().epoch == "second")
    await JournalProbe(copied).close()
  }

  @Test("a copy that is under way when the journal closes is answered")
  func closing() async throws {
    let (journal, probe) = try await filled(1_000)
    let (answers, answer) = AsyncStream.makeStream(of: Result<Seq, CopyFailure>.self)
    journal.copy(to: other.journal) { answer.yield($0) }
    await probe.close()
    var iterator = answers.makeAsyncIterator()
    switch await iterator.next() {
    case .success(let seq): #expect(seq == 1_000)
    case .failure(let failure): #expect(failure.message == "the hub is stopping")
    case nil: Issue.record("there was no answer")
    }
  }
}
