import CLinux
import Glibc
import NIOCore
import QQHub
import QQIdentity
import QQJournal
import QQProtocol
import QQSpool

/// Makes backups of a running hub: folders named by their time, each a data directory as it was at one moment.
///
///     hold removals ──▶ copy the journal ──▶ link the files ──▶ copy the key ──▶ sync ──▶ rename ──▶ forget old ones
///
/// A file that the journal's copy knows of as whole is there: it was asked to be kept when its record was applied, and
/// nothing is removed meanwhile. Uploads that weren't through begin anew.
public final class Backups: Sendable {
  private let data: String
  private let folder: String
  private let reserve: Int64
  private let journal: any CopyableJournal

  /// Of the data directory `data`, into `folder`, which is made where it isn't there. `reserve`: bytes that are to stay
  /// free on its disk.
  public init(of data: String, in folder: String, reserve: Int64, journal: any CopyableJournal) {
    self.data = data
    self.folder = folder
    self.reserve = reserve
    self.journal = journal
    // What a hub that ended meanwhile has left.
    for name in Self.names(folder) where name.hasSuffix(Self.unfinished) { Self.remove("\(folder)/\(name)") }
  }

  private static let unfinished = ".unfinished"
  private static let journalName = "journal.db"

  /// `keep`: how many of the newest stay. `done` on any thread. On the hub's loop, to which the journal's events come
  /// before its answers do.
  func make(
    at time: Timestamp, keep: Int?, spool: Spool, _ loop: any EventLoop,
    _ done: @escaping @Sendable (Hub.BackupOutcome) -> Void
  ) {
    let name = Self.name(time)
    let unfinished = "\(folder)/\(name)\(Self.unfinished)"
    if let problem = prepare(unfinished) { return done(.failed(problem)) }
    spool.holdRemovals()
    let end: @Sendable (Hub.BackupOutcome) -> Void = { outcome in
      spool.releaseRemovals()
      if case .failed = outcome { Self.remove(unfinished) }
      done(outcome)
    }
    journal.copy(to: "\(unfinished)/\(Self.journalName)") { [self] copied in
      let seq: Seq
      switch copied {
      case .success(let last): seq = last
      case .failure(let failure): return end(.failed(failure.message))
      }
      loop.execute { [self] in
        // What was applied up to now has asked the spool for what it needs.
        spool.copyContents(to: unfinished + "/blobs") { [self] contents in
          switch contents {
          case .failure(let error): end(.failed(error.message))
          case .success(let (files, bytes)): end(finish(unfinished, name, seq, files, bytes, keep))
          }
        }
      }
    }
  }

  /// The time in UTC, in the basic form of ISO 8601, which sorts.
  private static func name(_ time: Timestamp) -> String {
    time.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
  }

  /// What stands in the way; nil where nothing does.
  private func prepare(_ unfinished: String) -> String? {
    for path in [folder, unfinished] {
      guard mkdir(path, 0o700) == 0 || errno == EEXIST && path == folder else { return Self.cannot("make", path) }
    }
    let wanted = ["", "-wal"].reduce(Int64(0)) { $0 + Self.size("\(data)/\(Self.journalName)\($1)") }
    var disk = statvfs()
    guard statvfs(folder, &disk) == 0 else { return Self.cannot("measure", folder) }
    let free = Int64(
      clamping: UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize)).partialValue)
    guard free - wanted < reserve else { return nil }
    Self.remove(unfinished)
    return
      "\(folder) has \(ByteCount.text(free)) free, of which \(ByteCount.text(reserve)) are to stay (--reserve), and "
      + "the journal takes \(ByteCount.text(wanted))"
  }

  private func finish(
    _ unfinished: String, _ name: String, _ seq: Seq, _ files: Int, _ bytes: Int64, _ keep: Int?
  ) -> Hub.BackupOutcome {
    var bytes = bytes + Self.size("\(unfinished)/\(Self.journalName)")
    do throws(IdentityError) {
      let key = try PrivateFile.read("\(data)/hub.key", limit: 1 << 20)
      try PrivateFile.write(key, to: "\(unfinished)/hub.key", replacing: false)
      bytes += Int64(key.count)
    } catch .missing {
      // It has a certificate from an authority.
    } catch {
      return .failed(error.message)
    }
    let path = "\(folder)/\(name)"
    let descriptor = open(unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return .failed(Self.cannot("read", unfinished)) }
    defer { close(descriptor) }
    // All of it, and the name only then.
    guard qq_sync_filesystem(descriptor) == 0 else { return .failed(Self.cannot("sync", unfinished)) }
    guard qq_rename_exclusive(AT_FDCWD, unfinished, AT_FDCWD, path) == 0 else {
      return .failed(Self.cannot("rename", unfinished))
    }
    guard qq_sync_filesystem(descriptor) == 0 else { return .failed(Self.cannot("sync", path)) }
    if let keep { forget(allBut: keep) }
    return .made(HubFrame.Backup(path: path, seq: seq, files: Int64(files), bytes: bytes))
  }

  private func forget(allBut count: Int) {
    // Whatever else somebody keeps there isn't touched.
    let made = Self.names(folder).filter(Self.isName).sorted()
    for name in made.dropLast(count) { Self.remove("\(folder)/\(name)") }
  }

  private static func isName(_ text: String) -> Bool {
    let text = Array(text.utf8)
    return text.count == 16 && text[8] == UInt8(ascii: "T") && text[15] == UInt8(ascii: "Z")
      && (text[..<8] + text[9..<15]).allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }

  // MARK: The file system

  private static func cannot(_ verb: String, _ path: String) -> String {
    "cannot \(verb) \(path): \(String(cString: strerror(errno)).lowercased())"
  }

  private static func size(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  private static func names(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// A backup, whose folders are one deep.
  private static func remove(_ path: String) {
    for name in names(path) {
      let inner = "\(path)/\(name)"
      for file in names(inner) { unlink("\(inner)/\(file)") }
      if rmdir(inner) != 0 { unlink(inner) }
    }
    rmdir(path)
  }
}
