import QQChat
import QQClient
import QQIdentity
import QQProtocol

/// How a command ended, in the numbers of sysexits.h.
public enum ExitStatus: Int32, Sendable {
  case done = 0
  case usage = 64
  case data = 65
  case noInput = 66
  case noUser = 67
  case noHost = 68
  case unavailable = 69
  case software = 70
  case cannotCreate = 73
  case ioError = 74
  case temporary = 75
  case protocolError = 76
  case noPermission = 77
  case config = 78
  case interrupted = 130
}

/// A command can't go on: what to say, and with which status to end. Without a message everything has been said.
struct CommandFailure: Error {
  var status: ExitStatus
  var message: String?

  init(_ status: ExitStatus, _ message: String? = nil) {
    self.status = status
    self.message = message
  }
}

extension ExitStatus {
  /// Of an error that the hub answered.
  init(code: String) {
    switch ErrorCode(rawValue: code) {
    case .unknownTarget: self = .noUser
    case .notAdmitted, .nickTaken, .notMember, .guest, .plaintextRefused, .notOwner, .removed: self = .noPermission
    case .inviteUnknown, .inviteUsed, .inviteExpired, .inviteRevoked: self = .noPermission
    case .malformed, .badUTF8, .lineTooLong, .badField, .textTooLong, .idConflict, .badTarget, .badNick: self = .data
    case .unknownType, .helloExpected, .unsupportedProtocol: self = .protocolError
    case .timeout, .tooManySessions, .stopping: self = .unavailable
    case .unknownFile, .fileGone: self = .noInput
    case .quota, .fileTooLarge: self = .noPermission
    case .noSpace, .spoolFailed, .backupFailed: self = .ioError
    case .hashMismatch: self = .protocolError
    case .replaced: self = .noPermission
    case nil: self = .software
    }
  }

  init(_ error: ClientError) {
    switch error {
    case .cannotResolve: self = .noHost
    case .unreachable, .lost: self = .unavailable
    case .notAHub: self = .protocolError
    case .keyChanged, .certificateRefused: self = .noPermission
    case .untrusted: self = .noHost
    case .timedOut: self = .temporary
    case .refused(_, let failure): self = ExitStatus(code: failure.code)
    }
  }

  init(_ error: FileError) {
    self.init(error.kind)
  }

  /// Of a line in a chat that came to nothing.
  init(_ fault: ChatFault) {
    switch fault {
    case .usage: self = .usage
    case .data: self = .data
    case .refused(let code): self = ExitStatus(code: code)
    case .file(let kind): self = ExitStatus(kind)
    case .transfer: self = .unavailable
    case .silence: self = .temporary
    }
  }

  init(_ kind: FileError.Kind) {
    switch kind {
    case .input: self = .noInput
    case .output: self = .cannotCreate
    case .disk: self = .ioError
    case .data, .changed: self = .data
    case .busy: self = .temporary
    case .outputClosed: self = .done
    }
  }

  init(_ error: IdentityError) {
    switch error {
    case .system: self = .cannotCreate
    default: self = .config
    }
  }
}
