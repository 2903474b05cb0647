import CLinux
import Glibc

/// An open file or folder, closed with this value.
final class OpenFile {
  let number: Int32
  /// For messages.
  let path: String

  init(number: Int32, path: String) {
    self.number = number
    self.path = path
  }

  deinit { close(number) }

  /// In `folder`, or where the process is.
  static func open(
    _ name: String, in folder: OpenFile? = nil, _ flags: Int32, mode: mode_t = 0, as kind: FileError.Kind
  ) throws(FileError) -> OpenFile {
    let path = folder.map { "\($0.path)/\(name)" } ?? name
    let number = openat(folder?.number ?? AT_FDCWD, name, flags | O_CLOEXEC | O_NOCTTY, mode)
    guard number >= 0 else {
      throw .system(kind, "cannot \(flags & O_CREAT != 0 ? "make" : "open") \"\(path)\"")
    }
    return OpenFile(number: number, path: path)
  }

  func status() throws(FileError) -> stat {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw .system(.input, "cannot look at \"\(path)\"") }
    return status
  }

  /// Fewer bytes where the file ends before.
  func read(_ count: Int, at offset: Int64) throws(FileError) -> [UInt8] {
    var result = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      result = buffer.baseAddress.map { qq_read_whole(number, $0, count, off_t(offset)) } ?? 0
      filled = max(0, result)
    }
    guard result >= 0 else { throw .system(.input, "cannot read \"\(path)\"") }
    return bytes
  }

  func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(FileError) {
    let result = bytes.withUnsafeBytes { qq_write_past_cache(number, $0.baseAddress, $0.count, off_t(offset)) }
    guard result == 0 else { throw .system(.disk, "cannot write \"\(path)\"") }
  }

  func truncate(_ size: Int64) throws(FileError) {
    guard ftruncate(number, Int(size)) == 0 else { throw .system(.disk, "cannot cut \"\(path)\"") }
  }

  func sync() throws(FileError) {
    guard fsync(number) == 0 else { throw .system(.disk, "cannot write \"\(path)\"") }
  }

  /// The permission bits and the time of the last change, as far as they are known.
  func set(mode: Int64?, modified: Int64?) throws(FileError) {
    if let mode {
      guard fchmod(number, mode_t(mode) & ~OpenFile.umask) == 0 else {
        throw .system(.disk, "cannot set the mode of \"\(path)\"")
      }
    }
    if let modified {
      let (seconds, rest) = modified.quotientAndRemainder(dividingBy: 1_000)
      let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(max(0, rest)) * 1_000_000)
      var times = [time, time]
      guard futimens(number, &times) == 0 else { throw .system(.disk, "cannot set the time of \"\(path)\"") }
    }
  }

  /// What this process takes away from modes. Asking for it means setting it, so it is asked for once.
  private static let umask: mode_t = {
    let mask = Glibc.umask(0o077)
    _ = Glibc.umask(mask)
    return mask
  }()

  /// The names in a folder, in the order of their bytes, but for `.` and `..`; nil for one that isn't UTF-8.
  func names() throws(FileError) -> [(name: String?, bytes: [UInt8])] {
    let copy = openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let folder = fdopendir(copy) else { throw .system(.input, "cannot read the folder \"\(path)\"") }
    defer { closedir(folder) }
    var names: [(name: String?, bytes: [UInt8])] = []
    errno = 0
    while let entry = readdir(folder) {
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if bytes != [0x2e] && bytes != [0x2e, 0x2e] { names.append((String(validating: bytes, as: UTF8.self), bytes)) }
    }
    return names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
  }
}

extension stat {
  var kind: mode_t { st_mode & S_IFMT }
  /// Milliseconds since 1970.
  var modified: Int64 { Int64(st_mtim.tv_sec) * 1_000 + Int64(st_mtim.tv_nsec) / 1_000_000 }

  /// Whether what is there now is what was there before.
  func isSame(as other: stat) -> Bool {
    st_dev == other.st_dev && st_ino == other.st_ino && st_size == other.st_size
      && st_mtim.tv_sec == other.st_mtim.tv_sec && st_mtim.tv_nsec == other.st_mtim.tv_nsec
  }
}
