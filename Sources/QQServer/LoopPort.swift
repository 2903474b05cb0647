import NIOCore

/// What crosses from the hub's event loop to one event loop of connections: batches, one hop each.
///
/// `@unchecked Sendable`: `outgoing` belongs to the hub's loop, `touched` and `held` to this one.
final class LoopPort: @unchecked Sendable {
  let loop: any EventLoop
  private let isHubs: Bool
  private var outgoing: [(Connection, Connection.Output)] = []
  private var touched: [Connection] = []
  /// Connections whose next read waits for the journal.
  var held: [Connection] = []

  init(loop: any EventLoop, isHubs: Bool) {
    self.loop = loop
    self.isHubs = isHubs
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

  func resumeReading() {
    loop.execute {
      let held = self.held
      self.held.removeAll(keepingCapacity: true)
      for connection in held { connection.resumeReading() }
    }
  }
}
