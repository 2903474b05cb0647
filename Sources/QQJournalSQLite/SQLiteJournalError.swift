/// Why a journal on SQLite can't be used. Programs switch on the case; `message` is for the user.
public enum SQLiteJournalError: Error, Hashable, Sendable {
  /// Another hub uses the data directory at `path`.
  case locked(path: String)
  case notWritable(path: String, reason: String)
  case damaged(path: String, reason: String)
  /// A newer program wrote it: `found` and `known` count the schema's versions.
  case newerSchema(path: String, found: Int, known: Int)
  case full(path: String)
  /// Another file, or none, is at `path` by now.
  case moved(path: String)
  /// The system or SQLite failed otherwise.
  case failed(path: String, reason: String)

  /// What happened, to what, and what to do, on one line.
  public var message: String {
    switch self {
    case .locked(let path):
      "another hub is running on \(path): stop it, or give this one another data directory"
    case .notWritable(let path, let reason):
      "cannot write \(path) (\(reason)): check its owner and permissions, or give another data directory"
    case .damaged(let path, let reason):
      "\(path) is damaged (\(reason)): restore the data directory from a backup, or move it away to start anew"
    case .newerSchema(let path, let found, let known):
      "\(path) was written by a newer qq (format \(found), this one knows \(known)): run that one, or restore a backup"
    case .full(let path):
      "no room left on the disk of \(path): make room"
    case .moved(let path):
      "\(path) was moved, removed or replaced while the hub ran: stop the hub before the data directory is touched"
    case .failed(let path, let reason):
      "cannot use \(path) (\(reason)): check the disk and start the hub again"
    }
  }
}

extension SQLiteJournalError: CustomStringConvertible {
  public var description: String { message }
}
