import CLinux
import Glibc
import QQHub

/// An open file of the spool, closed with this value.
struct SpoolFile: ~Copyable {
  private let number: Int32
  private let path: String

  init(_ path: String, _ flags: Int32) throws(SpoolFailure) {
    self.path = path
    number = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard number >= 0 else { throw SpoolDisk.failure("open", path, errno) }
  }

  deinit { close(number) }

  var size: Int64 {
    get throws(SpoolFailure) {
      var status = stat()
      guard fstat(number, &status) == 0 else { throw SpoolDisk.failure("look at", path, errno) }
      return Int64(status.st_size)
    }
  }

  /// Fewer where the file ends before.
  func read(at offset: Int64, _ count: Int) throws(SpoolFailure) -> [UInt8] {
    var result = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      result = buffer.baseAddress.map { qq_read_whole(number, $0, count, off_t(offset)) } ?? 0
      filled = max(0, result)
    }
    guard result >= 0 else { throw SpoolDisk.failure("read", path, errno) }
    return bytes
  }

  func write(_ bytes: [UInt8], at offset: Int64) throws(SpoolFailure) {
    let result = bytes.withUnsafeBytes { qq_write_past_cache(number, $0.baseAddress, $0.count, off_t(offset)) }
    guard result == 0 else { throw SpoolDisk.failure("write", path, errno) }
  }

  func truncate(_ size: Int64) throws(SpoolFailure) {
    guard ftruncate(number, Int(size)) == 0 else { throw SpoolDisk.failure("cut", path, errno) }
  }

  func sync() throws(SpoolFailure) {
    guard fsync(number) == 0 else { throw SpoolDisk.failure("sync", path, errno) }
  }
}
