import QQJournal
import QQProtocol

/// Users in the order of their nicks.
struct NickOrder: Sendable {
  struct Entry: Comparable, Sendable {
    var nick: String
    var id: UserID

    static func < (a: Entry, b: Entry) -> Bool { (a.nick, a.id) < (b.nick, b.id) }
  }

  private(set) var entries: [Entry] = []

  init() {}

  init(_ rows: [UserRow]) {
    entries = rows.map { Entry(nick: $0.nick, id: $0.id) }.sorted()
  }

  mutating func insert(_ nick: String, _ id: UserID) { entries.insertSorted(Entry(nick: nick, id: id)) }
  mutating func remove(_ nick: String, _ id: UserID) { entries.removeSorted(Entry(nick: nick, id: id)) }

  /// The first one behind this.
  func index(after entry: Entry?) -> Int {
    guard let entry else { return 0 }
    return entries.partitioningIndex { $0 > entry }
  }

  /// The nicks next to where this one would stand, of which one may be what was meant.
  func neighbours(of nick: String, most: Int) -> ArraySlice<Entry> {
    let place = entries.partitioningIndex { $0.nick >= nick }
    return entries[max(0, place - most / 2)..<min(entries.count, place + most / 2)]
  }
}
