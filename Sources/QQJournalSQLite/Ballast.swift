import Glibc

/// A file that only takes room, so that there is some where the disk has none: for the hub's own records, which make room,
/// and for owners, who do. It goes then, and is made again once there is room for it.
struct Ballast {
  static let size: Int64 = 4 << 20
  private let path: String
  private(set) var isThere: Bool

  init(besides database: String) {
    path = database + "-ballast"
    isThere = access(path, F_OK) == 0
  }

  /// Whether there is more room now.
  mutating func release() -> Bool {
    guard isThere else { return false }
    isThere = false
    return unlink(path) == 0
  }

  /// `free`: bytes that are free on the disk, of which `reserve` shall stay.
  mutating func restore(free: Int64, reserve: Int64) {
    // Twice its size, or it would come and go.
    guard !isThere, reserve > 0, free / 2 > reserve / 2 + Self.size else { return }
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return }
    defer { close(file) }
    if posix_fallocate(file, 0, off_t(Self.size)) == 0 { isThere = true } else { unlink(path) }
  }
}
