import Glibc
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@testable import QQJournalSQLite

@Suite(.timeLimit(.minutes(10))) struct SQLiteJournalTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func open(_ directory: TemporaryDirectory, epoch: String = JournalHarness.epoch) throws -> JournalProbe {
    JournalProbe(try SQLiteJournal(path: directory.journal) { epoch })
  }

  @Test("the contract holds", arguments: JournalContract.checks)
  func contract(_ check: JournalContract.Check) async throws {
    let path = directory.journal
    let make = { @Sendable in try SQLiteJournal(path: path) { JournalHarness.epoch } }
    try await check.run(JournalHarness(make: make, reopen: make, keepsIDs: true))
  }

  // MARK: Crashes

  @Test("what was delivered survives a crash, and the projection is made up for")
  func crash() async throws {
    let probe = try open(directory)
    probe.start()
    try await probe.accept((1...3).map { (.message($0), [.everyone]) })
    // The projection of the first batch rides in the commit of the second; that of the second waits for a third.
    try await probe.accept((4...6).map { (.message($0), [.everyone]) })
    _ = await probe.page(.all(.everyone))
    let image = try directory.crashed()
    await probe.close()

    let again = try open(image)
    #expect(try again.journal.load().applied == 3)
    #expect(await again.page(.all(.everyone)).records.map(\.seq) == [1, 2, 3])
    again.start()
    let replayed = try await again.records(3)
    #expect(replayed.map(\.seq) == [4, 5, 6])
    again.journal.project(Projection(changes: replayed.compactMap { .message($0) }, through: 6))
    #expect(await again.page(.all(.everyone)).records.map(\.seq) == [1, 2, 3, 4, 5, 6])
    await again.close()
  }

  @Test("a crash between appending and committing leaves nothing of the batch")
  func crashBeforeCommit() throws {
    let lock = try DirectoryLock(besides: directory.journal)
    let database = try Database(path: directory.journal, settings: Database.Settings(), newEpoch: "e")
    _ = try database.append([.message(1)])
    try database.commit()
    // More than the cache holds: it stays in memory all the same, where no full disk can be in its way.
    _ = try database.append((2...500).map { .message($0, text: String(repeating: "x", count: 65_536)) })
    let image = try directory.crashed()
    database.close()
    lock.release()
    #expect(try image.read("journal.db-wal").count < 1 << 20)

    let again = try Database(path: image.journal, settings: Database.Settings(), newEpoch: "e")
    #expect(again.last == 1)
    #expect(try again.record(1) == .message(1))
    again.close()
  }

  @Test("projections are committed without new records once there are many")
  func backlog() async throws {
    let probe = try open(directory)
    probe.start()
    try await probe.accept((1...5_000).map { (.message($0), [.everyone]) })
    _ = await probe.page(.all(.everyone))
    let image = try directory.crashed()
    await probe.close()

    let again = try open(image)
    #expect(try again.journal.load().applied == 5_000)
    await again.close()
  }

  @Test("a damaged end of the log loses no more than the commits it held")
  func tornLog() async throws {
    let probe = try open(directory)
    probe.start()
    for number in 1...3 {
      probe.journal.append([.message(number)])
      _ = try await probe.records(1)
    }
    let image = try directory.crashed()
    await probe.close()
    let log = try image.read("journal.db-wal")
    try image.write(Array(log.dropLast(100)), to: "journal.db-wal")

    let again = try open(image)
    again.start()
    #expect(try await again.records(2).map(\.seq) == [1, 2])
    await again.close()
  }

  // MARK: Opening

  @Test("the epoch is that of the making, not of the opening")
  func epoch() async throws {
    await (try open(directory, epoch: "first")).close()
    let again = try open(directory, epoch: "second")
    #expect(try again.journal.load().epoch == "first")
    await again.close()
  }

  @Test("a second journal on the directory is refused until the first is closed")
  func locked() async throws {
    let probe = try open(directory)
    #expect(throws: SQLiteJournalError.locked(path: directory.path)) { try open(directory) }
    await probe.close()
    await (try open(directory)).close()
  }

  @Test("a journal that nobody holds any more lets its directory go")
  func dropped() async throws {
    var journal: SQLiteJournal? = try SQLiteJournal(path: directory.journal) { "e" }
    #expect(try journal?.load().epoch == "e")
    journal = nil
    // Its thread ends by itself: nobody is told when, so this asks until it has, within the time limit.
    while (try? SQLiteJournal(path: directory.journal) { "f" }) == nil { await Task.yield() }
  }

  @Test("its files are for their owner alone")
  func modes() async throws {
    try directory.write([], to: "journal.db")
    chmod(directory.journal, 0o644)
    let probe = try open(directory)
    probe.start()
    probe.journal.append([.message(1)])
    _ = try await probe.records(1)
    #expect(directory.names == ["journal.db", "journal.db-ballast", "journal.db-wal", "lock"])
    for name in directory.names { #expect(try directory.mode(name) == 0o600) }
    await probe.close()
    #expect(directory.names == ["journal.db", "journal.db-ballast", "lock"])
  }

  // MARK: A full disk

  @Test("a disk without room refuses records and ends nothing: what was committed is read, and there may be room again")
  func full() async throws {
    let journal = try SQLiteJournal(path: directory.journal) { "e" }
    let probe = JournalProbe(journal)
    probe.start()
    var delivered: Seq = 0
    var refused = 0
    for number in 1...30 {
      journal.setReserve(number % 3 == 0 ? .max / 2 : 0)
      let record = Record.message(number)
      journal.append([record])
      switch await probe.event() {
      case .committed(let batch):
        #expect(batch.records.map(\.record) == [record])
        delivered = batch.records.last?.seq ?? delivered
        journal.project(Projection(changes: batch.records.compactMap { .message($0) }, through: delivered))
      case .refused(let records):
        #expect(records == [record])
        refused += 1
      case .failed(let reason): Issue.record("\(reason)")
      case nil: Issue.record("the end")
      }
      // What the newest records came to is read, though no commit has made it durable.
      let page = await probe.page(.all(.everyone))
      #expect(page.records.last?.seq == delivered && page.applied == delivered)
    }
    #expect((delivered, refused) == (20, 10))
    #expect(try journal.load().applied == delivered)
    await probe.close()
    #expect(await probe.event() == nil)

    let again = try open(directory)
    again.start()
    let page = await again.page(.all(.everyone))
    #expect(page.applied == delivered)
    again.journal.append([.message(1_000)])
    #expect(try await again.records(1).map(\.seq) == [delivered + 1])
    await again.close()
  }
}
