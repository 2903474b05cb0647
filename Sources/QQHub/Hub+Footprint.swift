/// What a hub keeps in memory, counted. For tests that say how much that may be.
package struct HubFootprint: Equatable, Sendable {
  package var sessions: Int
  package var readers: Int
  package var live: Int
  package var holders: Int
  package var watchers: Int
  package var tailBytes: Int
  package var recentIDs: Int
  /// Messages whose senders wait for receipts, and those on their way that ask for them.
  package var receipts: Int
  package var wantedReceipts: Int
  package var questions: Int
  package var moves: Int
}

extension Hub {
  /// What sessions have cost so far, in the units of `Turns`: it doesn't depend on how fast a machine is.
  package var workSpent: Int { turns.spent }

  package var footprint: HubFootprint {
    HubFootprint(
      sessions: sessions.count, readers: readers.values.reduce(0) { $0 + $1.count },
      live: live.values.reduce(0) { $0 + $1.count }, holders: holders.count, watchers: watchers.count,
      tailBytes: tail.bytes, recentIDs: recent.count, receipts: receipts.count, wantedReceipts: wantsReceipts.count,
      questions: questions.count + storeQueue.count, moves: moves.count)
  }
}
