import NIOCore
import QQHub
import QQProtocol
import Synchronization

/// How many connections there may be.
public struct ConnectionLimits: Equatable, Sendable {
  public var sessions: SessionLimits
  /// Connections that nobody was welcomed on yet, in all and of one source.
  public var strangers: Int
  public var sourceStrangers: Int

  /// `connections`: of all kinds together.
  public init(connections: Int) {
    strangers = max(8, min(1_024, connections / 8))
    sourceStrangers = max(8, strangers / 4)
    let owners = min(16, max(1, connections / 16))
    sessions = SessionLimits(total: max(1, connections - strangers - owners), owners: owners)
  }
}

/// Every connection, numbered; and those that nobody was welcomed on yet, of which there are never too many.
final class ConnectionTable: Sendable {
  private struct State {
    var next: SessionID = 1
    var open: [SessionID: any Channel] = [:]
    var strangers: Strangers
    var whenDrained: CheckedContinuation<Void, Never>?
  }

  private let state: Mutex<State>

  init(_ limits: ConnectionLimits) {
    state = Mutex(State(strangers: Strangers(limit: limits.strangers, sourceLimit: limits.sourceStrangers)))
  }

  /// A number for a new connection. Returns the channel as well that has to be closed for it.
  func open(_ channel: any Channel, from address: IPAddress) -> (id: SessionID, evicted: (any Channel)?) {
    state.withLock { state in
      defer { state.next += 1 }
      state.open[state.next] = channel
      let evicted = state.strangers.insert(state.next, from: address)
      return (state.next, evicted.flatMap { state.open[$0] })
    }
  }

  /// A proxy has said whose connection it is. Returns the channel that has to be closed for it.
  func relay(_ id: SessionID, from address: IPAddress) -> (any Channel)? {
    state.withLock { state in
      guard state.strangers.remove(id) != nil else { return nil }
      return state.strangers.insert(id, from: address).flatMap { state.open[$0] }
    }
  }

  func welcomed(_ id: SessionID) { state.withLock { _ = $0.strangers.remove(id) } }

  func close(_ id: SessionID) {
    let waiter = state.withLock { state in
      state.open[id] = nil
      state.strangers.remove(id)
      guard state.open.isEmpty else { return nil as CheckedContinuation<Void, Never>? }
      defer { state.whenDrained = nil }
      return state.whenDrained
    }
    waiter?.resume()
  }

  /// Closes those that nobody waits for, such as one that has said nothing yet.
  func close(allBut ids: Set<SessionID>) {
    let channels = state.withLock { state in state.open.filter { !ids.contains($0.key) }.values }
    for channel in channels { channel.close(promise: nil) }
  }

  /// Returns when nobody is connected any more.
  func drained() async {
    await withCheckedContinuation { waiter in
      let isDone = state.withLock { state in
        if !state.open.isEmpty { state.whenDrained = waiter }
        return state.open.isEmpty
      }
      if isDone { waiter.resume() }
    }
  }
}
