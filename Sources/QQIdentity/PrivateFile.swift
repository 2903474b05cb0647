import Glibc

/// Small files that only their owner may read: written whole or not at all, and never seen half-written.
public enum PrivateFile {
  /// Writes `bytes` to `path` through a temporary file beside it, so that a reader and a crash find the old content,
  /// the new or none. What is there is replaced only if `replacing`; otherwise of several that write at once exactly
  /// one succeeds, and the others get `.exists` and can read what the winner wrote.
  public static func write(
    _ bytes: [UInt8], to path: String, mode: UInt32 = 0o600, replacing: Bool
  ) throws(IdentityError) {
    let directory = parent(of: path)
    let temporary = "\(directory)/.qq-\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
    let file = try Descriptor(opening: temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    do throws(IdentityError) {
      try file.write(bytes, path: temporary)
      guard fchmod(file.number, mode) == 0, fsync(file.number) == 0 else {
        throw .system(.write, path: path, code: errno)
      }
      if replacing {
        guard rename(temporary, path) == 0 else { throw .system(.rename, path: path, code: errno) }
      } else {
        try hardLink(temporary, path)
        unlink(temporary)
      }
    } catch {
      unlink(temporary)
      throw error
    }
    try synchronize(directory: directory)
  }

  /// The bytes of the regular file at `path`, at most `limit` of them. Symbolic links are followed.
  public static func read(_ path: String, limit: Int) throws(IdentityError) -> [UInt8] {
    try read(path, limit: limit, isSecret: false)
  }

  /// Like `read`, but refuses a file that anybody but its owner may read or write, or that isn't this account's.
  public static func readSecret(_ path: String, limit: Int) throws(IdentityError) -> [UInt8] {
    try read(path, limit: limit, isSecret: true)
  }

  /// Makes the directory at `path` and what it needs above it, each with `mode`; one that exists is left as it is.
  /// 0700 is what the XDG Base Directory Specification asks for.
  public static func makeDirectory(_ path: String, mode: UInt32 = 0o700) throws(IdentityError) {
    if mkdir(path, mode) == 0 {
      return try synchronize(directory: parent(of: path))
    }
    switch errno {
    case ENOENT where parent(of: path) != path && !path.isEmpty:
      try makeDirectory(parent(of: path), mode: mode)
      // Somebody else may have made it meanwhile.
      guard mkdir(path, mode) == 0 || errno == EEXIST else {
        throw .system(.makeDirectory, path: path, code: errno)
      }
      try synchronize(directory: parent(of: path))
    case EEXIST:
      var status = stat()
      guard stat(path, &status) == 0 else { throw .system(.makeDirectory, path: path, code: errno) }
      guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: path) }
    case let code:
      throw .system(.makeDirectory, path: path, code: code)
    }
  }

  /// Gives the file at `source` the name `destination` in the same directory, replacing nothing.
  static func move(from source: String, to destination: String) throws(IdentityError) {
    try hardLink(source, destination)
    guard unlink(source) == 0 else { throw .system(.remove, path: source, code: errno) }
    try synchronize(directory: parent(of: destination))
  }

  /// Runs `body` while holding an advisory lock on the file at `path`, which is made if need be and stays. Waits at
  /// most `attempts` times 10 ms for others, in this process and elsewhere.
  static func withLock<Result>(
    _ path: String, attempts: Int = 500, _ body: () throws(IdentityError) -> Result
  ) throws(IdentityError) -> Result {
    let file = try Descriptor(opening: path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    var attempt = 0
    while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK where attempt < attempts:
        attempt += 1
        usleep(10_000)
      case EWOULDBLOCK: throw .busy(path: path)
      case let code: throw .system(.lock, path: path, code: code)
      }
    }
    let result = try body()
    // Keeps the descriptor, and with it the lock, until here.
    _ = flock(file.number, LOCK_UN)
    return result
  }

  private static func read(_ path: String, limit: Int, isSecret: Bool) throws(IdentityError) -> [UInt8] {
    // A FIFO must not block the open, nor a terminal become ours.
    let file = try Descriptor(opening: path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    var status = stat()
    guard fstat(file.number, &status) == 0 else { throw .system(.read, path: path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
    if isSecret {
      guard status.st_uid == geteuid() else { throw .foreign(path: path, owner: status.st_uid) }
      guard status.st_mode & 0o077 == 0 else { throw .exposed(path: path, mode: status.st_mode & 0o7777) }
    }
    guard status.st_size <= limit else { throw .tooLarge(path: path, limit: limit) }
    return try file.read(expecting: Int(status.st_size), limit: limit, path: path)
  }

  private static func hardLink(_ source: String, _ destination: String) throws(IdentityError) {
    guard link(source, destination) == 0 else {
      switch errno {
      case EEXIST: throw .exists(path: destination)
      case ENOENT: throw .missing(path: source)
      case let code: throw .system(.link, path: destination, code: code)
      }
    }
  }

  /// A new or renamed entry survives a crash only once its directory is on disk as well: fsync(2).
  private static func synchronize(directory: String) throws(IdentityError) {
    let descriptor = try Descriptor(opening: directory, O_RDONLY | O_DIRECTORY)
    // Some file systems cannot synchronise a directory and say EINVAL.
    guard fsync(descriptor.number) == 0 || errno == EINVAL else {
      throw .system(.write, path: directory, code: errno)
    }
  }

  /// The directory that `path` is in, as dirname(1) gives it.
  private static func parent(of path: String) -> String {
    var bytes = path.utf8[...]
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    bytes = bytes[..<slash]
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return bytes.isEmpty ? "/" : String(Substring(bytes))
  }
}

/// An open file that closes itself.
private struct Descriptor: ~Copyable {
  let number: CInt

  init(opening path: String, _ flags: CInt, mode: UInt32 = 0) throws(IdentityError) {
    guard !path.utf8.contains(0) else { throw .system(.open, path: path, code: EINVAL) }
    var opened = Glibc.open(path, flags | O_CLOEXEC, mode)
    while opened < 0, errno == EINTR { opened = Glibc.open(path, flags | O_CLOEXEC, mode) }
    guard opened >= 0 else {
      if errno == ENOENT, flags & O_CREAT == 0 { throw .missing(path: path) }
      throw .system(.open, path: path, code: errno)
    }
    number = opened
  }

  deinit { close(number) }

  func write(_ bytes: [UInt8], path: String) throws(IdentityError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress! + written, $0.count - written) }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw .system(.write, path: path, code: errno)
      }
    }
  }

  func read(expecting size: Int, limit: Int, path: String) throws(IdentityError) -> [UInt8] {
    var bytes: [UInt8] = []
    // One more than expected, so that the common case ends with a short read.
    var chunk = [UInt8](repeating: 0, count: max(size, 4095) + 1)
    while true {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      if count > 0 {
        bytes += chunk[..<count]
        guard bytes.count <= limit else { throw .tooLarge(path: path, limit: limit) }
      } else if errno != EINTR {
        throw .system(.read, path: path, code: errno)
      }
    }
  }
}
