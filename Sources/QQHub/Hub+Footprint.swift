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
  /// Users that those lists name.
  package var awaited: Int
  package var wantedReceipts: Int
  package var questions: Int
  package var moves: Int
  /// What sessions said and nobody has looked at.
  package var inputs: Int
  package var guests: Int
  package var groups: Int
  package var stays: Int
  package var cursors: Int
  /// Sources and users whose new users and joins are counted.
  package var buckets: Int
}

extension Hub {
  /// What sessions have cost so far, in the units of `Turns`: it doesn't depend on how fast a machine is.
  package var workSpent: Int { turns.spent }

  package var footprint: HubFootprint {
    let rows = directory.rows
    return HubFootprint(
      sessions: sessions.count, readers: readers.values.reduce(0) { $0 + $1.count },
      live: live.values.reduce(0) { $0 + $1.count }, holders: holders.count, watchers: watchers.count,
      tailBytes: tail.bytes, recentIDs: recent.count, receipts: receipts.load.lists,
      awaited: receipts.load.users, wantedReceipts: wantsReceipts.count,
      questions: questions.count + storeQueue.count, moves: moves.count + movesUnderWay.count,
      inputs: sessions.values.reduce(0) { $0 + $1.inbox.count }, guests: rows.guests, groups: rows.groups,
      stays: rows.stays, cursors: rows.cursors, buckets: newcomers.count + joins.count)
  }
}
