import Glibc

/// Where a hub that keeps nothing has its files: a folder that goes with the process, and after a crash with the next
/// one that starts.
public struct EphemeralFolder: Sendable {
  private static let prefix = "ephemeral-"
  public let path: String

  /// Names the folder, and removes those of processes that are gone.
  public init(in directory: String) {
    for name in FileCopy.names(directory) where name.hasPrefix(Self.prefix) {
      let process = pid_t(name.dropFirst(Self.prefix.count))
      if let process, process == getpid() || kill(process, 0) != 0 && errno == ESRCH {
        Self.remove("\(directory)/\(name)")
      }
    }
    path = "\(directory)/\(Self.prefix)\(getpid())"
  }

  public func remove() {
    Self.remove(path)
  }

  /// What a spool makes, and nothing else.
  private static func remove(_ path: String) {
    for folder in ["uploads", "blobs"] {
      for name in FileCopy.names("\(path)/\(folder)") { unlink("\(path)/\(folder)/\(name)") }
      rmdir("\(path)/\(folder)")
    }
    rmdir(path)
  }
}
