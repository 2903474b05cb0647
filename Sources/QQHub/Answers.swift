import QQProtocol

/// The lines for sessions that one event asks for, in the order in which the sessions were first answered. Most events
/// answer one session many times, so the writer of the one that is being answered is at hand.
struct Answers: Sendable {
  private(set) var current: SessionID?
  var writer = JSONWriter()
  private var written: [SessionID: JSONWriter] = [:]
  private var order: [SessionID] = []

  /// From here on `writer` is this session's; nobody's with nil.
  mutating func turn(to id: SessionID?) {
    guard id != current else { return }
    if let current { written[current] = writer }
    writer = JSONWriter()
    current = id
    guard let id else { return }
    if let begun = written.removeValue(forKey: id) {
      writer = begun
    } else {
      order.append(id)
    }
  }

  /// Bytes that were written for a session.
  func pending(_ id: SessionID) -> Int { id == current ? writer.bytes.count : written[id]?.bytes.count ?? 0 }

  /// What was written; begins anew.
  mutating func take() -> [(id: SessionID, bytes: [UInt8])] {
    guard !order.isEmpty else { return [] }
    turn(to: nil)
    let all = order.compactMap { id in written[id].map { (id, $0.bytes) } }
    written.removeAll(keepingCapacity: true)
    order.removeAll(keepingCapacity: true)
    return all
  }
}
