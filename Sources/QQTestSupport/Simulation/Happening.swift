/// What a world is made to provoke, counted: worlds in which little of it happens prove little.
public enum Happening: Int, CaseIterable, Sendable {
  case crash, stop, cut, death, wipe, clockJump
  case stall, congestion, page, gap, replay
  case duplicate, idConflict, failure, receipt
  case following, newEpoch
  case hostile
}

/// How often each has happened.
public struct Happenings: Equatable, Sendable {
  private var counts = [Int](repeating: 0, count: Happening.allCases.count)

  public subscript(happening: Happening) -> Int {
    get { counts[happening.rawValue] }
    set { counts[happening.rawValue] = newValue }
  }

  public static func += (left: inout Happenings, right: Happenings) {
    for index in left.counts.indices { left.counts[index] += right.counts[index] }
  }

  public init() {}
}
