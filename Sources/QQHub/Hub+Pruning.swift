import QQJournal
import QQProtocol

/// What is about messages that were removed goes too: who was in which group when, the groups that nobody is in any more,
/// and how far readers had come that are far behind. Some users at a time, so that nobody waits for it.
extension Hub {
  struct Pruning: Sendable {
    var through: Seq
    var next: UInt32 = 1
  }

  /// Messages before `floor` are kept no longer.
  mutating func removed(before floor: Seq) {
    guard floor - 1 > prunedThrough, pruning == nil else { return }
    prunedThrough = floor - 1
    pruning = Pruning(through: floor - 1)
  }

  /// Looks for the next users of whom something goes, when it is the turn of nobody else.
  mutating func prune() {
    while let work = pruning, !turns.isOver, turns.isEmpty {
      let last = min(directory.lastUser.rawValue, work.next &+ (configuration.turns.users - 1))
      guard work.next <= last else {
        pruning = nil
        return
      }
      turns.spend(256)
      let users = UserID(work.next)...UserID(last)
      if directory.hasSomethingOld(users, through: work.through) {
        propose(.prune(through: work.through, users), from: Self.nobody, ref: nil)
      }
      pruning?.next = last + 1
    }
  }
}
