import CLinux
import Glibc

extension SpoolDisk {
  /// See `Spool.copyContents`.
  func copyContents(to folder: String) throws(SpoolError) -> (files: Int, bytes: Int64) {
    guard mkdir(folder, 0o700) == 0 else { throw Self.cannot("make", folder) }
    let blobs = directory + "/blobs"
    guard let stream = opendir(blobs) else { throw Self.cannot("read", blobs) }
    defer { closedir(stream) }
    var (files, bytes) = (0, Int64(0))
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard !name.hasPrefix(".") else { continue }
      bytes += try Self.copy("\(blobs)/\(name)", to: "\(folder)/\(name)")
      if !name.hasSuffix(".sums") { files += 1 }
    }
    return (files, bytes)
  }

  /// Gives its size.
  private static func copy(_ old: String, to new: String) throws(SpoolError) -> Int64 {
    if link(old, new) != 0 {
      // Another file system, or one without links.
      let source = open(old, O_RDONLY | O_CLOEXEC)
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
        guard count > 0 else { break }
        guard qq_write_whole(target, buffer, count, offset) == 0 else { throw cannot("write", new) }
        offset += count
      }
    }
    var status = stat()
    guard stat(new, &status) == 0 else { throw cannot("read", new) }
    return Int64(status.st_size)
  }

  private static func cannot(_ verb: String, _ path: String) -> SpoolError {
    SpoolError(message: "cannot \(verb) \(path): \(reason(errno))")
  }
}
