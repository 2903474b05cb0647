import QQProtocol

/// So many things at once, and so many more an hour.
public struct RateLimit: Equatable, Sendable {
  public private(set) var burst: Int64
  public private(set) var hourly: Int64

  public init(burst: Int64, hourly: Int64) {
    self.burst = min(max(burst, 1), 1 << 32)
    self.hourly = min(max(hourly, 1), 3_600_000)
  }

  /// Milliseconds after which one more is allowed.
  var interval: Int64 { 3_600_000 / hourly }
}

/// A token bucket for each of many keys (the generic cell rate algorithm, ITU-T I.371: a bucket is the one time at which
/// it is full again). A full bucket isn't kept.
struct TokenBuckets<Key: Hashable & Sendable>: Sendable {
  private var fullAt: [Key: Timestamp] = [:]
  private var sweepAt = TokenBuckets.swept

  private static var swept: Int { 1_024 }

  var count: Int { fullAt.count }

  /// One token; false where there is none.
  mutating func take(_ key: Key, now: Timestamp, _ limit: RateLimit) -> Bool {
    let start = max(fullAt[key] ?? now, now)
    guard start - now <= limit.interval * (limit.burst - 1) else { return false }
    fullAt[key] = start + limit.interval
    if fullAt.count > sweepAt {
      fullAt = fullAt.filter { $0.value > now }
      sweepAt = max(Self.swept, 2 * fullAt.count)
    }
    return true
  }
}
