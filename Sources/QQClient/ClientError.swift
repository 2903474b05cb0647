import QQIdentity
import QQProtocol

/// Why a client could not do what it was asked. Messages say what to do next.
public enum ClientError: Error, Sendable {
  case cannotResolve(Endpoint)
  case unreachable(Endpoint, reason: String)
  /// The connection ended; what was under way may or may not have happened.
  case lost(Endpoint)
  case notAHub(Endpoint, reason: String)
  case keyChanged(Endpoint, expected: Fingerprint, seen: Fingerprint, file: String)
  case untrusted(Endpoint, Fingerprint)
  case certificateRefused(Endpoint, reason: String)
  case timedOut(Endpoint)
  /// The hub said no.
  case refused(Endpoint, HubFrame.Failure)

  /// It isn't where it was: another place may be right.
  var mayBeElsewhere: Bool {
    switch self {
    case .cannotResolve, .unreachable, .timedOut, .keyChanged, .notAHub: true
    case .lost, .untrusted, .certificateRefused, .refused: false
    }
  }

  static func flooded(_ endpoint: Endpoint) -> ClientError {
    .notAHub(endpoint, reason: "it names more users than there can be")
  }

  public var message: String {
    switch self {
    case .cannotResolve(let hub): "cannot find the host \"\(hub.host)\": check --hub, QQ_HUB or your config.json"
    case .unreachable(let hub, let reason):
      "cannot reach the hub at \(hub): \(reason)"
        + (hub.isLoopback ? " (is it running? \"qq serve\" starts one; --hub names another)" : "")
    case .lost(let hub): "the hub at \(hub) closed the connection"
    case .notAHub(let hub, let reason): "\(hub) does not speak qq: \(reason)"
    case .keyChanged(let hub, let expected, let seen, let file):
      "the key of the hub at \(hub) has changed: expected \(expected), got \(seen). Somebody may be in between; "
        + "if the hub was set up anew, \"qq trust --replace \(hub)\" says so (the key is known from \(file))"
    case .untrusted(let hub, let seen):
      "the hub at \(hub) is not trusted yet (its key is \(seen)): name it with --hub to trust it"
    case .certificateRefused(let hub, let reason): "the certificate of the hub at \(hub) was refused: \(reason)"
    case .timedOut(let hub): "the hub at \(hub) did not answer in time"
    case .refused(_, let failure): failure.message
    }
  }
}
