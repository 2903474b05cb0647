/// How often something is done that others bring about, as answering queries: a few times a second on average, more at
/// once, so that nobody makes a hub shout.
public struct AnswerBudget: Sendable {
  private let perSecond: Int64
  private let burst: Int64
  /// In thousandths of an answer.
  private var left: Int64
  private var last: Timestamp?

  public init(perSecond: Int64 = 20, burst: Int64 = 100) {
    self.perSecond = perSecond
    self.burst = burst
    left = burst * 1_000
  }

  /// Whether one more is answered now.
  public mutating func take(now: Timestamp) -> Bool {
    if let last, now > last { left = min(burst * 1_000, left + min(now - last, 1_000_000) * perSecond) }
    last = max(last ?? now, now)
    guard left >= 1_000 else { return false }
    left -= 1_000
    return true
  }
}
