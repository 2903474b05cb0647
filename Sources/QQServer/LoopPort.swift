import NIOCore
import QQHub

/// What crosses from the hub's event loop to one event loop of connections: batches, one hop each.
///
/// `@unchecked Sendable`: `outgoing` belongs to the hub's loop, all else to this one.
final class LoopPort: @unchecked Sendable {
  let loop: any EventLoop
  private let isHubs: Bool
  private var outgoing: [(Connection, Connection.Output)] = []
  private var touched: [Connection] = []
  /// Connections whose next read waits for the journal.
  var held: [Connection] = []
  /// Connections whose peers take less than they are written.
  private var backlogs: Backlogs
  private var full: [SessionID: Connection] = [:]

  init(loop: any EventLoop, isHubs: Bool, waiting: WaitingBytes) {
    self.loop = loop
    self.isHubs = isHubs
    backlogs = Backlogs(waiting)
  }

  /// On the hub's loop. A connection of that loop is written to at once, others with the batch.
  @inline(__always)
  func put(_ output: Connection.Output, to connection: Connection) {
    if isHubs {
      connection.put(output)
    } else {
      outgoing.append((connection, output))
    }
  }

  /// On the hub's loop, after a round of effects.
  func deliver() {
    if isHubs {
      flush()
    } else if !outgoing.isEmpty {
      let batch = outgoing
      outgoing = []
      loop.execute {
        for (connection, output) in batch { connection.put(output) }
        self.flush()
      }
    }
  }

  func touch(_ connection: Connection) {
    guard !connection.isTouched else { return }
    connection.isTouched = true
    touched.append(connection)
  }

  /// Every connection that was written to is flushed once.
  private func flush() {
    let connections = touched
    touched.removeAll(keepingCapacity: true)
    for connection in connections { connection.flush() }
  }

  /// So many bytes wait for a peer. Where that is too much, those who have taken nothing for long are sent away.
  func isFull(_ connection: Connection, bytes: Int) {
    let now = NIODeadline.now().uptimeNanoseconds
    backlogs.set(connection.id, bytes, now: now)
    full[connection.id] = connection
    // Its end is heard of within.
    for id in backlogs.victims(now: now) { full[id]?.abandon() }
  }

  func isFree(_ connection: Connection) {
    guard !backlogs.isEmpty else { return }
    backlogs.remove(connection.id)
    full[connection.id] = nil
  }

  func resumeReading() {
    loop.execute {
      let held = self.held
      self.held.removeAll(keepingCapacity: true)
      for connection in held { connection.resumeReading() }
    }
  }
}
