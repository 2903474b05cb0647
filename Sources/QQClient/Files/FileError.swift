import Glibc

/// What is wrong with a file on this machine. Messages say which, and what to do.
public struct FileError: Error, Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// It can't be read.
    case input
    /// It can't be made.
    case output
    /// It can't be written: the disk may be full.
    case disk
    /// Its name or what is in it can't be sent, or used.
    case data
    /// It isn't what it was when it was begun to be sent.
    case changed
    /// Whoever read our output has gone.
    case outputClosed
    /// Another process is at it.
    case busy
  }

  public var kind: Kind
  public var message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  static func system(_ kind: Kind, _ what: String, _ code: Int32 = errno) -> FileError {
    let reason = String(cString: strerror(code)).lowercased()
    let isFull = code == ENOSPC || code == EDQUOT || code == EFBIG
    return FileError(isFull ? .disk : kind, "\(what): \(reason)")
  }
}
