import QQProtocol

/// The piece of a file that is coming in on a connection, and how many more it may send before the hub has put away those
/// that came.
struct ChunkIntake {
  private var header: Chunk?
  private var bytes: [UInt8] = []
  private var inFlight = 0
  /// Beyond that their sender is not read.
  private static let limit = 4

  var isFull: Bool { inFlight >= Self.limit }

  /// Gives how many raw bytes follow.
  mutating func begin(_ header: Chunk) -> Int {
    self.header = header
    bytes.reserveCapacity(header.size)
    return header.size
  }

  /// Gives the piece once it is whole.
  mutating func take(_ raw: RawSpan) -> (header: Chunk, bytes: [UInt8])? {
    raw.withUnsafeBytes { bytes.append(contentsOf: $0) }
    guard let header, bytes.count == header.size else { return nil }
    defer {
      self.header = nil
      bytes = []
    }
    inFlight += 1
    return (header, bytes)
  }

  mutating func putAway() {
    inFlight -= 1
  }
}
