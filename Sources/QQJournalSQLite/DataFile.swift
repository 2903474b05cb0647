import CLinux
import Glibc

/// The lock on a data directory: one hub at a time. The system drops it with the process, however that ends.
final class DirectoryLock {
  private var descriptor: Int32

  /// Takes the lock of the directory that `path` is in, or fails at once.
  init(besides path: String) throws(SQLiteJournalError) {
    let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let prefix = path.contains("/") ? directory + "/" : ""
    let file = prefix + "lock"
    descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .notWritable(path: file, reason: systemError()) }
    // flock, not fcntl: it also holds against a second journal in this process.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      Glibc.close(descriptor)
      guard code == EWOULDBLOCK else { throw .failed(path: file, reason: systemError(code)) }
      throw .locked(path: prefix.isEmpty ? "." : directory.isEmpty ? "/" : directory)
    }
  }

  deinit {
    release()
  }

  func release() {
    guard descriptor >= 0 else { return }
    // Said, and not left to the closing: a process that is just being started by this one has the file open, too, until it
    // is another program.
    flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
    descriptor = -1
  }
}

struct FileIdentity: Equatable {
  var device: dev_t
  var number: ino_t
}

enum DataFile {
  private static let headerSize = 100

  /// Makes the database file where there is none, readable by its owner alone (SQLite gives its other files the same
  /// mode), and looks whether what is there can be a database, without reading all of it.
  static func prepare(_ path: String) throws(SQLiteJournalError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .notWritable(path: path, reason: systemError()) }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .failed(path: path, reason: systemError()) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notWritable(path: path, reason: "it is not a regular file") }
    guard status.st_mode & 0o077 == 0 || fchmod(descriptor, 0o600) == 0 else {
      throw .notWritable(path: path, reason: "it is open to others, and its mode can't be changed")
    }
    guard status.st_size > 0 else { return }
    var header = [UInt8](repeating: 0, count: headerSize)
    guard pread(descriptor, &header, headerSize, 0) == headerSize else {
      throw .damaged(path: path, reason: "it is only \(status.st_size) bytes long")
    }
    try check(header, size: Int64(status.st_size), hasLog: hasLog(path), path)
  }

  /// What tells this file from a copy of it: when it was made, or on file systems that don't say its number.
  static func mark(_ path: String) -> Int64 {
    let born = qq_born(path)
    var status = stat()
    return born != 0 ? born : stat(path, &status) == 0 ? Int64(bitPattern: UInt64(status.st_ino)) : 0
  }

  /// Which file stands at a path; nil where none does.
  static func identity(_ path: String) -> FileIdentity? {
    var status = stat()
    return stat(path, &status) == 0 ? FileIdentity(device: status.st_dev, number: status.st_ino) : nil
  }

  private static func hasLog(_ path: String) -> Bool {
    var status = stat()
    return stat(path + "-wal", &status) == 0 && status.st_size > 0
  }

  /// The fields of https://www.sqlite.org/fileformat2.html, section 1.3.
  private static func check(
    _ header: [UInt8], size: Int64, hasLog: Bool, _ path: String
  ) throws(SQLiteJournalError) {
    guard header.starts(with: "SQLite format 3\0".utf8) else {
      throw .damaged(path: path, reason: "it is no SQLite database")
    }
    func number(_ range: Range<Int>) -> Int64 { header[range].reduce(0) { $0 << 8 | Int64($1) } }
    // 1 stands for 65,536.
    let pageSize = number(16..<18) == 1 ? 65_536 : number(16..<18)
    // The count of pages holds where the two change counters agree, and where no log has newer pages.
    guard !hasLog, number(24..<28) == number(92..<96) else { return }
    let expected = number(28..<32) * pageSize
    guard size >= expected else { throw .damaged(path: path, reason: "it ends after \(size) of \(expected) bytes") }
  }
}

/// What the system says about its error `code`.
func systemError(_ code: Int32 = errno) -> String {
  String(cString: strerror(code))
}
