import CLinux
import Glibc

extension SpoolDisk {
  /// See `Spool.copyContents`.
  func copyContents(to folder: String) throws(SpoolError) -> (files: Int, bytes: Int64) {
    guard mkdir(folder, 0o700) == 0 else { throw FileCopy.cannot("make", folder) }
    let blobs = directory + "/blobs"
    guard opendir(blobs).map({ closedir($0) }) != nil else { throw FileCopy.cannot("read", blobs) }
    var (files, bytes) = (0, Int64(0))
    for name in FileCopy.names(blobs) {
      let (old, new) = ("\(blobs)/\(name)", "\(folder)/\(name)")
      if link(old, new) != 0 {
        // A file system without links.
        guard hasRoom(for: FileCopy.size(old)) else {
          throw SpoolError(message: "\(folder) has no room for \(name) beside what is to stay free (--reserve)")
        }
        try FileCopy.copy(old, to: new)
      }
      bytes += FileCopy.size(new)
      if !name.hasSuffix(".sums") { files += 1 }
    }
    return (files, bytes)
  }
}

/// Files by plain system calls.
public enum FileCopy {
  /// All of a file into a new one, readable by its owner alone.
  public static func copy(_ old: String, to new: String) throws(SpoolError) {
    let source = open(old, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard source >= 0 else { throw cannot("read", old) }
    defer { close(source) }
    let target = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard target >= 0 else { throw cannot("make", new) }
    defer { close(target) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset: off_t = 0
    while true {
      let count = qq_read_whole(source, &buffer, buffer.count, offset)
      guard count >= 0 else { throw cannot("read", old) }
      guard count > 0 else { return }
      guard qq_write_whole(target, buffer, count, offset) == 0 else { throw cannot("write", new) }
      offset += count
    }
  }

  /// 0 for what isn't there.
  public static func size(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Bytes free on the disk of a folder; nil, with `errno`, where that can't be said.
  public static func free(_ folder: String) -> Int64? {
    let bytes = qq_free_bytes(folder)
    return bytes < 0 ? nil : bytes
  }

  /// What is in a folder; nothing where it can't be read, or is a link.
  public static func names(_ folder: String) -> [String] {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    guard let stream = fdopendir(descriptor) else {
      close(descriptor)
      return []
    }
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

  public static func cannot(_ verb: String, _ path: String) -> SpoolError {
    SpoolError(message: "cannot \(verb) \(path): \(SpoolDisk.reason(errno))")
  }
}
