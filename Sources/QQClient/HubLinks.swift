import QQProtocol
import Synchronization

/// What happens to a connection that is kept up, for the user to hear.
public enum LinkNotice: Sendable {
  case lost(ClientError)
  case restored(Endpoint)
}

/// Keeps a connection to a hub up: connects, runs `body`, and when the connection is lost connects again with backoff
/// and jitter. The first connection must come about, so that a wrong address is told at once.
public enum HubLinks {
  public enum Outcome: Sendable {
    case finished
    case lost
  }

  public static func keep(
    _ configuration: LinkConfiguration, notice: @escaping @Sendable (LinkNotice) async -> Void,
    _ body: @escaping @Sendable (HubLink, inout HubLink.Lines) async throws -> Outcome
  ) async throws {
    var backoff = Backoff()
    let progress = Progress()
    let place = Mutex(configuration.endpoint)
    var hasMoved = false
    while true {
      // Where it was met last: whoever is at its old place by now is somebody else.
      var current = configuration
      current.endpoint = place.withLock(\.self)
      if current.endpoint != configuration.endpoint { hasMoved = true }
      let error: ClientError
      do {
        let outcome = try await HubLink.with(current) { link, lines in
          place.withLock { $0 = link.peer.endpoint }
          if progress.welcomed() { await notice(.restored(link.peer.endpoint)) }
          return try await body(link, &lines)
        }
        if outcome == .finished { return }
        error = .lost(place.withLock(\.self))
      } catch let failure as ClientError
        where progress.wasWelcomed && (failure.isTransient || hasMoved && failure.mayBeElsewhere)
      {
        error = failure
        // Where it was named may be right again, as away from the LAN that it was found on; both are tried in turn.
        if current.endpoint != configuration.endpoint { place.withLock { $0 = configuration.endpoint } }
      }
      if progress.lost() {
        backoff.reset()
        await notice(.lost(error))
      }
      try await Task.sleep(for: .milliseconds(backoff.next(random: Double.random(in: 0..<1))))
    }
  }
}

extension ClientError {
  /// Trying again may help.
  public var isTransient: Bool {
    switch self {
    case .lost, .unreachable, .timedOut, .cannotResolve: true
    case .refused(_, let failure):
      [ErrorCode.stopping, .timeout, .tooManySessions, .replaced].map(\.rawValue).contains(failure.code)
    case .notAHub, .keyChanged, .untrusted, .certificateRefused: false
    }
  }
}
