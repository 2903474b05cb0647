import CLinux
import Glibc
import NIOCore
import NIOPosix
import QQHub
import QQIdentity
import QQJournal
import QQProtocol
import QQSpool
import Synchronization

/// Makes backups of a running hub: folders named by their time, each a data directory as it was at one moment.
///
///     hold removals ──▶ copy the journal ──▶ link the files ──▶ release removals ──▶ copy the key ──▶ sync ──▶ move there
///
/// A file that the journal's copy knows of as whole is there: it was asked to be kept when its record was applied, and
/// nothing is removed meanwhile. Uploads that weren't through begin anew. Up to the last step all is beside the data; a
/// slow disk that backups are moved to holds up nobody.
public final class Backups: Sendable {
  private let data: String
  private let folder: String
  /// Where a backup is made.
  private let stage: String
  private let reserve: Atomic<Int64>
  private let journal: any CopyableJournal
  private let latest = Mutex<Timestamp?>(nil)

  /// Of the data directory `data`, into `folder`, which is made where it isn't there and is this hub's alone. `reserve`:
  /// bytes that are to stay free on the disks.
  public init(of data: String, in folder: String, reserve: Int64, journal: any CopyableJournal) {
    self.data = data
    self.folder = folder
    stage = data + "/backup" + Self.unfinished
    self.reserve = Atomic(reserve)
    self.journal = journal
    apart { [self] in findNewest() }
  }

  func setReserve(_ bytes: Int64) { reserve.store(bytes, ordering: .relaxed) }

  private static let unfinished = ".unfinished"
  private static let journalName = "journal.db"

  /// On a thread where waiting for a disk hinders nobody.
  private func apart(_ body: @escaping @Sendable () -> Void) {
    NIOThreadPool.singleton.submit { _ in body() }
  }

  /// `keep`: how many of the newest stay. `loop` is the hub's, to which the journal's events come before its answers do.
  /// `done` on any thread.
  func make(
    at time: Timestamp, keep: Int?, spool: Spool, _ loop: any EventLoop,
    _ done: @escaping @Sendable (Hub.BackupOutcome) -> Void
  ) {
    apart { [self] in
      do throws(SpoolError) {
        try prepare()
      } catch {
        return done(.failed(error.message))
      }
      spool.holdRemovals()
      journal.copy(to: "\(stage)/\(Self.journalName)") { [self] copied in
        loop.execute { [self] in
          guard case .success(let seq) = copied else { return end(copied.map { _ in (0, 0) }, spool, done) }
          // What was applied up to now has asked the spool for what it needs.
          spool.copyContents(to: stage + "/blobs") { [self] contents in
            spool.releaseRemovals()
            apart { [self] in
              do throws(SpoolError) {
                let (files, bytes) = try contents.get()
                done(.made(try finish(freeName(time), seq, files, bytes, keep)))
              } catch {
                Self.remove(stage)
                done(.failed(error.message))
              }
            }
          }
        }
      }
    }
  }

  private func end(
    _ failed: Result<(Int, Int64), CopyFailure>, _ spool: Spool, _ done: @escaping @Sendable (Hub.BackupOutcome) -> Void
  ) {
    spool.releaseRemovals()
    apart { [self] in
      Self.remove(stage)
      if case .failure(let failure) = failed { done(.failed(failure.message)) }
    }
  }

  /// The time in UTC, in the basic form of ISO 8601, which sorts.
  private static func name(_ time: Timestamp) -> String {
    time.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
  }

  /// Two of one second are told apart.
  private func freeName(_ time: Timestamp) -> String {
    (0..<60).map { Self.name(time + $0 * 1_000) }.first { access("\(folder)/\($0)", F_OK) != 0 } ?? Self.name(time)
  }

  /// The time of the newest one; nil where there is none. Known without asking the disk, which may be slow.
  var newest: Timestamp? { latest.withLock(\.self) }

  private func findNewest() {
    let time = FileCopy.names(folder).filter(isBackup).max().flatMap(Self.time)
    latest.withLock { $0 = time }
  }

  private static func time(_ name: String) -> Timestamp? {
    let digits = Array(name)
    func part(_ range: Range<Int>) -> String { String(digits[range]) }
    return Timestamp(
      "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15)).000Z")
  }

  private func isBackup(_ name: String) -> Bool {
    Self.isName(name) && access("\(folder)/\(name)/\(Self.journalName)", F_OK) == 0
  }

  private func prepare() throws(SpoolError) {
    // What a hub that ended meanwhile has left.
    Self.remove(stage)
    for name in FileCopy.names(folder) where name.hasSuffix(Self.unfinished) {
      if Self.isName(name.dropLast(Self.unfinished.utf8.count)) { Self.remove("\(folder)/\(name)") }
    }
    for path in [folder, stage] where mkdir(path, 0o700) != 0 && (errno != EEXIST || path == stage) {
      throw FileCopy.cannot("make", path)
    }
    let journal = ["", "-wal"].reduce(Int64(0)) { $0 + FileCopy.size("\(data)/\(Self.journalName)\($1)") }
    do throws(SpoolError) {
      try checkRoom(for: journal, in: data)
    } catch {
      Self.remove(stage)
      throw error
    }
  }

  private func checkRoom(for bytes: Int64, in folder: String) throws(SpoolError) {
    guard let free = FileCopy.free(folder) else { throw FileCopy.cannot("measure", folder) }
    let reserve = reserve.load(ordering: .relaxed)
    guard free - bytes < reserve else { return }
    throw SpoolError(
      message:
        "\(folder) has \(ByteCount.text(free)) free, of which \(ByteCount.text(reserve)) are to stay (--reserve), and "
        + "the backup takes \(ByteCount.text(bytes))")
  }

  private func finish(
    _ name: String, _ seq: Seq, _ files: Int, _ bytes: Int64, _ keep: Int?
  ) throws(SpoolError) -> HubFrame.Backup {
    var bytes = bytes + FileCopy.size("\(stage)/\(Self.journalName)")
    do throws(IdentityError) {
      let key = try PrivateFile.read("\(data)/hub.key", limit: 1 << 20)
      try PrivateFile.write(key, to: "\(stage)/hub.key", replacing: true)
      bytes += Int64(key.count)
    } catch .missing {
      // It has a certificate from an authority.
    } catch {
      throw SpoolError(message: error.message)
    }
    let path = "\(folder)/\(name)"
    try Self.sync(stage)
    if !(try Self.move(stage, to: path)) {
      try checkRoom(for: bytes, in: folder)
      let copy = path + Self.unfinished
      do throws(SpoolError) {
        try Self.copy(stage, to: copy)
        try Self.sync(copy)
        _ = try Self.move(copy, to: path)
      } catch {
        Self.remove(copy)
        throw error
      }
      Self.remove(stage)
    }
    try Self.sync(folder)
    if let keep { forget(allBut: keep, and: name) }
    findNewest()
    return HubFrame.Backup(path: path, seq: seq, files: Int64(files), bytes: bytes)
  }

  private func forget(allBut count: Int, and newest: String) {
    // Whatever else somebody keeps there isn't touched; nor is this one, whatever the clock said before.
    let older = FileCopy.names(folder).filter { isBackup($0) && $0 != newest }.sorted()
    for name in older.dropLast(count - 1) { Self.remove("\(folder)/\(name)") }
  }

  private static func isName(_ text: some StringProtocol) -> Bool {
    let text = Array(text.utf8)
    return text.count == 16 && text[8] == UInt8(ascii: "T") && text[15] == UInt8(ascii: "Z")
      && (text[..<8] + text[9..<15]).allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }

  // MARK: The file system

  /// All of a file system, the names in it included.
  private static func sync(_ path: String) throws(SpoolError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileCopy.cannot("read", path) }
    defer { close(descriptor) }
    guard qq_sync_filesystem(descriptor) == 0 else { throw FileCopy.cannot("sync", path) }
  }

  /// Replaces nothing. False where the other place is on another file system.
  private static func move(_ old: String, to new: String) throws(SpoolError) -> Bool {
    if qq_rename_exclusive(AT_FDCWD, old, AT_FDCWD, new) == 0 { return true }
    if errno == EXDEV { return false }
    // Not every file system can do that; one backup is made at a time.
    if errno == EINVAL, access(new, F_OK) != 0, rename(old, new) == 0 { return true }
    throw FileCopy.cannot("rename", old)
  }

  /// A backup, whose folders are one deep.
  private static func copy(_ old: String, to new: String) throws(SpoolError) {
    for path in [new, new + "/blobs"] where mkdir(path, 0o700) != 0 { throw FileCopy.cannot("make", path) }
    for name in FileCopy.names(old) where name != "blobs" { try FileCopy.copy("\(old)/\(name)", to: "\(new)/\(name)") }
    for name in FileCopy.names(old + "/blobs") {
      try FileCopy.copy("\(old)/blobs/\(name)", to: "\(new)/blobs/\(name)")
    }
  }

  private static func remove(_ path: String) {
    for name in FileCopy.names(path) {
      let inner = "\(path)/\(name)"
      for file in FileCopy.names(inner) { unlink("\(inner)/\(file)") }
      if rmdir(inner) != 0 { unlink(inner) }
    }
    rmdir(path)
  }
}
