import Glibc
import QQProtocol
import Synchronization

/// How much may be saved without anybody looking: so much in all, and never what a disk needs for others.
public final class SaveAllowance: Sendable {
  /// Bytes; nil is any number.
  private let limit: Int64?
  private let state = Mutex((taken: Int64(0), steps: 0))

  /// Of a disk a twentieth stays free, and 1 GiB at the most; of its entries a twentieth.
  private static let part: UInt64 = 20
  private static let most: UInt64 = 1 << 30
  /// Pieces after which the disk is asked again.
  private static let interval = 8

  /// Files and folders in one folder.
  static let entries = 20_000

  public init(limit: Int64?) {
    self.limit = limit
  }

  /// Whether a file of this size may come.
  func check(_ size: Int64, in folder: OpenFile, named name: String) throws(FileError) {
    let taken = state.withLock(\.taken)
    if let limit, size > limit - min(limit, taken) { throw tooMuch(name, limit) }
    try checkDisk(size, folder, name)
  }

  func take(_ bytes: Int, in folder: OpenFile, named name: String) throws(FileError) {
    let (isTooMuch, isDue) = state.withLock { state in
      let (sum, overflow) = state.taken.addingReportingOverflow(Int64(bytes))
      if overflow || limit.map({ sum > $0 }) == true { return (true, false) }
      state.taken = sum
      state.steps &+= 1
      return (false, state.steps % Self.interval == 1)
    }
    if isTooMuch { throw tooMuch(name, limit ?? .max) }
    if isDue { try checkDisk(Int64(bytes), folder, name) }
  }

  private func tooMuch(_ name: String, _ limit: Int64) -> FileError {
    FileError(
      .disk, "\"\(TextSafety.visible(name))\" would be more than the \(ByteCount.text(limit)) of --save-limit")
  }

  private func checkDisk(_ size: Int64, _ folder: OpenFile, _ name: String) throws(FileError) {
    var disk = statvfs()
    guard fstatvfs(folder.number, &disk) == 0 else { return }
    let unit = UInt64(disk.f_frsize)
    let reserve = min(UInt64(disk.f_blocks).multipliedSaturating(unit) / Self.part, Self.most)
    let free = UInt64(disk.f_bavail).multipliedSaturating(unit)
    let left = free - min(free, reserve)
    guard UInt64(max(0, size)) <= left else {
      throw FileError(
        .disk,
        "\"\(TextSafety.visible(name))\" has no room: \(ByteCount.text(Int64(clamping: reserve))) of the disk stay free "
          + "(\"qq get\" takes what you ask for)")
    }
    // Of a file system that counts them.
    guard disk.f_files == 0 || UInt64(disk.f_favail) > UInt64(disk.f_files) / Self.part else {
      throw FileError(.disk, "\"\(TextSafety.visible(name))\" has no room: the disk has hardly any entries left")
    }
  }
}

extension UInt64 {
  fileprivate func multipliedSaturating(_ other: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}
