/// What went wrong, for programs. The message beside it is for people.
public enum ErrorCode: String, Error, Sendable, CaseIterable {
  // The line itself.
  case malformed
  case badUTF8 = "bad_utf8"
  case lineTooLong = "line_too_long"
  case unknownType = "unknown_type"
  case badField = "bad_field"
  case textTooLong = "text_too_long"
  // The order of things.
  case helloExpected = "hello_expected"
  case unsupportedProtocol = "unsupported_protocol"
  case plaintextRefused = "plaintext_refused"
  case timeout
  case tooManySessions = "too_many_sessions"
  // Who may do what.
  case notAdmitted = "not_admitted"
  case nickTaken = "nick_taken"
  case badNick = "bad_nick"
  case notMember = "not_member"
  case guest
  case notOwner = "not_owner"
  case removed
  case inviteUnknown = "invite_unknown"
  case inviteUsed = "invite_used"
  case inviteExpired = "invite_expired"
  case inviteRevoked = "invite_revoked"
  // What was asked for.
  case unknownTarget = "unknown_target"
  case badTarget = "bad_target"
  case idConflict = "id_conflict"
  // Files.
  case unknownFile = "unknown_file"
  case fileGone = "file_gone"
  case hashMismatch = "hash_mismatch"
  case fileTooLarge = "file_too_large"
  case quota
  case noSpace = "no_space"
  case spoolFailed = "spool_failed"
  case backupFailed = "backup_failed"
  case replaced
  case stopping
}

/// A line that was refused. `ref` is the request's where it could be read.
public struct FrameFault: Error, Equatable, Sendable {
  public var code: ErrorCode
  public var message: String
  public var ref: Int64?

  public init(_ code: ErrorCode, _ message: String, ref: Int64? = nil) {
    self.code = code
    self.message = message
    self.ref = ref
  }
}
