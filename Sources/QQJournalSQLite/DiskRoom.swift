import CLinux
import QQJournal

/// Which records a disk has room for. Beyond the first mark nothing that users say is taken; the hub's own records, which
/// make room, and what owners do are, up to the second one.
struct DiskRoom: Sendable {
  /// Bytes that stay free whatever users say.
  var reserve: Int64
  /// Bytes that stay free in any case, for what SQLite needs to end a transaction.
  static let least: Int64 = 1 << 20

  /// What a record takes on the disk: in the log, in the tables, and once more in the indices.
  private static let copies: Int64 = 3

  /// In their order; behind one that users said and that is refused, no other of these is taken, so that what one
  /// sender said in a row isn't kept in part. `free`: bytes that are free on the disk.
  func sort(_ records: [Record], free: Int64) -> (taken: [Record], refused: [Record]) {
    var left = free
    var (taken, refused) = ([Record](), [Record]())
    var isFull = false
    for record in records {
      let size = Int64(record.size) * Self.copies
      let hasRoom = left - size >= (record.isEssential ? min(Self.least, reserve) : reserve)
      isFull = isFull || !hasRoom && !record.isEssential
      if hasRoom, record.isEssential || !isFull {
        left -= size
        taken.append(record)
      } else {
        refused.append(record)
      }
    }
    return (taken, refused)
  }

  /// nil where the system doesn't say.
  static func free(_ path: String) -> Int64? {
    let bytes = qq_free_bytes(path)
    return bytes < 0 ? nil : bytes
  }
}
