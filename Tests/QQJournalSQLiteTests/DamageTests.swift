import Glibc
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@testable import QQJournalSQLite

@Suite(.timeLimit(.minutes(10))) struct DamageTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func open() throws -> JournalProbe {
    JournalProbe(try SQLiteJournal(path: directory.journal) { "e" })
  }

  /// A closed journal of 100 messages.
  private func fill() async throws {
    let probe = try open()
    probe.start()
    try await probe.accept((1...100).map { (.message($0), [.everyone]) })
    await probe.close()
  }

  private func execute(_ sql: String) throws {
    let connection = try Connection(path: directory.journal)
    try connection.execute(sql)
    connection.close()
  }

  private func damaged(_ reason: String) -> SQLiteJournalError {
    .damaged(path: directory.journal, reason: reason)
  }

  @Test("a damaged record fails the page that has it, and says which it is")
  func page() async throws {
    try await fill()
    try execute("UPDATE journal SET record = x'01ff' WHERE seq = 7")
    let probe = try open()
    probe.start()
    #expect(await probe.page(.all(.everyone, limit: 6)).records.map(\.seq) == Array(1...6))
    probe.journal.page(.all(.everyone)) { _ in Issue.record("an answer without record 7") }
    #expect(await probe.event()?.failure == damaged("record 7 can't be read: value").message)
    await probe.close()
  }

  @Test("a journal whose file was moved away or replaced ends: nothing is confirmed that nobody will find")
  func moved() async throws {
    for isReplaced in [false, true] {
      let probe = try open()
      probe.start()
      try await probe.accept([(.message(1), [.everyone])])
      #expect(rename(directory.journal, directory.path + "/elsewhere") == 0)
      if isReplaced { try directory.write([], to: "journal.db") }
      probe.journal.append([.message(2)])
      #expect(await probe.event()?.failure == SQLiteJournalError.moved(path: directory.journal).message)
      await probe.close()
      for name in directory.names { unlink(directory.path + "/" + name) }
    }
  }

  @Test("a damaged or missing record ends a replay")
  func replay() async throws {
    try await fill()
    try execute(
      """
      UPDATE meta SET value = 5 WHERE key = 'applied';
      UPDATE journal SET record = zeroblob(0) WHERE seq = 8;
      """)
    let probe = try open()
    probe.start()
    #expect(await probe.event()?.failure == damaged("record 8 can't be read: truncated").message)
    await probe.close()
    try execute("DELETE FROM journal WHERE seq = 8")
    let again = try open()
    again.start()
    #expect(await again.event()?.failure == damaged("record 8 is missing").message)
    await again.close()
  }

  @Test("a journal that lost its end is refused")
  func lostRecords() async throws {
    try await fill()
    try execute("DELETE FROM journal WHERE seq > 90")
    #expect(throws: damaged("records are missing: 100 were applied, 90 is the last")) { try open() }
  }

  @Test("a file that was cut off is refused")
  func cut() async throws {
    try await fill()
    let bytes = try directory.read("journal.db")
    try directory.write(Array(bytes.dropLast(4_096)), to: "journal.db")
    #expect(throws: damaged("it ends after \(bytes.count - 4_096) of \(bytes.count) bytes")) { try open() }
    try directory.write(Array(bytes.prefix(50)), to: "journal.db")
    #expect(throws: damaged("it is only 50 bytes long")) { try open() }
  }

  @Test("what is no journal is refused and left alone")
  func foreign() async throws {
    let text = Array(String(repeating: "not a database ", count: 20).utf8)
    try directory.write(text, to: "journal.db")
    #expect(throws: damaged("it is no SQLite database")) { try open() }
    #expect(try directory.read("journal.db") == text)

    try directory.write([], to: "journal.db")
    try execute("CREATE TABLE other (id INTEGER)")
    #expect(throws: damaged("it is no journal of a hub")) { try open() }
  }

  @Test("what is missing or out of range in meta is damage", arguments: ["applied", "floor", "next_user", "epoch"])
  func meta(_ key: String) async throws {
    try await fill()
    try execute("UPDATE meta SET value = -1 WHERE key = '\(key)' AND key <> 'epoch'")
    try execute("DELETE FROM meta WHERE key = 'epoch' AND '\(key)' = 'epoch'")
    #expect(throws: damaged("its \(key) is missing")) { try open() }
  }

  @Test("pages of garbage give an error or records, never a trap")
  func garbage() async throws {
    try await fill()
    let good = try directory.read("journal.db")
    var random = SplitMix64(seed: 8)
    var refused = 0
    for _ in 0..<100 {
      var bytes = good
      let page = Int.random(in: 1..<good.count / 4_096, using: &random)
      for _ in 0..<40 { bytes[page * 4_096 + random.below(4_096)] = UInt8.random(in: 0...255, using: &random) }
      try directory.write(bytes, to: "journal.db")
      guard let probe = try? open() else {
        refused += 1
        continue
      }
      let snapshot = try? probe.journal.load()
      refused += snapshot == nil ? 1 : 0
      probe.start()
      probe.journal.page(.all(.everyone)) { #expect($0.records.count <= 100) }
      await probe.close()
    }
    #expect(refused > 0)
  }

  @Test("a directory that can't be written is refused")
  func notWritable() throws {
    let path = directory.path + "/missing/journal.db"
    #expect(
      throws: SQLiteJournalError.notWritable(
        path: directory.path + "/missing/lock", reason: "No such file or directory")
    ) { try SQLiteJournal(path: path) { "e" } }
    mkdir(directory.journal, 0o700)
    #expect(throws: SQLiteJournalError.notWritable(path: directory.journal, reason: "Is a directory")) { try open() }
    rmdir(directory.journal)
  }

  @Test("a directory without permission is refused", .enabled(if: getuid() != 0, "root may write anywhere"))
  func notPermitted() throws {
    chmod(directory.path, 0o500)
    defer { chmod(directory.path, 0o700) }
    #expect(
      throws: SQLiteJournalError.notWritable(path: directory.path + "/lock", reason: "Permission denied")
    ) { try open() }
  }
}

extension JournalEvent {
  fileprivate var failure: String? {
    guard case .failed(let text) = self else { return nil }
    return text
  }
}
