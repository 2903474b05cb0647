/// How long to wait before the next try to connect: doubling, with full jitter
/// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that a hub which comes back isn't
/// met by everybody at once.
public struct Backoff: Equatable, Sendable {
  private var tries = 0
  private let first: Int64
  private let limit: Int64

  /// Milliseconds.
  public init(first: Int64 = 100, limit: Int64 = 10_000) {
    self.first = first
    self.limit = limit
  }

  /// Milliseconds to wait. `random` is in 0..<1.
  public mutating func next(random: Double) -> Int64 {
    let ceiling = min(limit, first << Int64(min(tries, 20)))
    tries += 1
    // The first try comes soon for everybody: a restart takes less than a second.
    return max(first / 2, Int64(Double(ceiling) * random))
  }

  /// After a connection that was welcomed.
  public mutating func reset() {
    tries = 0
  }
}
