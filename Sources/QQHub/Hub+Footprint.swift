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

extension HubFootprint {
  /// What is more than a hub may keep for so many users; nil where nothing is. The bounds are those of qq-security(7).
  package func excess(users: Int) -> String? {
    let bounds: [(String, Int, Int)] = [
      ("lists of receipts", receipts, min(Receipts.limitInAll.lists, (users + 1) * Receipts.limitOfUser.lists)),
      ("users in receipts", awaited, Receipts.limitInAll.users + users),
      ("cursors", cursors, users * Directory.cursorsKept),
      ("stays", stays, users * (Directory.staysKept + Hub.groupsPerUser)),
      // A group goes with the last who may read it.
      ("groups", groups, stays),
      ("guests", guests, sessions),
      // A user's own, one on its way to the journal, and one that the journal has.
      ("cursor moves", moves, 2 * (sessions + cursors + users)),
      ("questions to the store", questions, 3 * max(sessions, 64)),
      ("lines that wait for a turn", inputs, sessions * Self.linesOfSession),
      ("counted sources and users", buckets, 2_048 + 2 * users),
    ]
    return bounds.first { $0.1 > $0.2 }.map { "\($0.1) \($0.0), and \($0.2) may be" }
  }

  /// Two batches of what is read at once, 256 KiB, in the shortest lines.
  private static let linesOfSession = 2 * (256 << 10) / 10
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
