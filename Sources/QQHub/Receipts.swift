import DequeModule
import QQJournal
import QQProtocol

/// Senders that wait to hear who has what they sent: a message, or a file that they offered.
struct Receipts: Sendable {
  struct Waiting: Sendable {
    var seq: Seq
    var id: MessageID
    var session: SessionID
    var sender: UserID
    var isOffer = false
    /// In the order of their numbers.
    var remaining: [UserID]
    /// Renames that had been applied when the sender was told the nicks.
    var renames: UInt64 = 0
  }

  /// Somebody is told that a user has a message.
  struct Told: Equatable, Sendable {
    var session: SessionID
    var id: MessageID
    /// By the nick that the sender waits for, where that isn't the user's any more.
    var formerNick: String?
  }

  /// What is waited for, in lists and in users that they name.
  struct Load: Equatable, Sendable {
    var lists = 0
    var users = 0

    func exceeds(_ limit: Load) -> Bool { lists > limit.lists || lists > 1 && users > limit.users }
  }

  /// Beyond these the oldest is waited for no longer; but one list may be as long as the hub has users.
  static let limitOfUser = Load(lists: 1_000, users: 100_000)
  static let limitInAll = Load(lists: 100_000, users: 4_000_000)
  /// Nicks of one user that are remembered for those who wait for them.
  static let renamesOfUser = 64

  /// A session that asks twice, with a rename between, was told two nicks of one user and waits for both.
  private struct Key: Hashable {
    var seq: Seq
    var session: SessionID
    var renames: UInt64

    init(_ entry: Waiting) { (seq, session, renames) = (entry.seq, entry.session, entry.renames) }
  }

  private struct Sender {
    var load = Load()
    /// In the order in which they came; some are over.
    var keys: Deque<Key> = []
  }

  private struct Rename {
    var number: UInt64
    var former: String
  }

  /// By seq; nearly always one each.
  private var lists: [Seq: [Waiting]] = [:]
  /// In ascending order; some have no list any more.
  private var order: Deque<Seq> = []
  private var bySession: [SessionID: Set<Seq>] = [:]
  private var bySender: [UserID: Sender] = [:]
  private(set) var load = Load()
  private var renames: [UserID: [Rename]] = [:]
  private var renamed: UInt64 = 0

  /// Instead of an earlier one of the same session for the same message, where nobody was renamed between.
  mutating func wait(_ entry: Waiting) {
    var entry = entry
    entry.renames = renamed
    remove(Key(entry))
    guard !entry.remaining.isEmpty else { return }
    let place = order.partitioningIndex { $0 >= entry.seq }
    if place == order.count || order[place] != entry.seq { order.insert(entry.seq, at: place) }
    lists[entry.seq, default: []].append(entry)
    bySession[entry.session, default: []].insert(entry.seq)
    count(entry, 1)
    bySender[entry.sender, default: Sender()].keys.append(Key(entry))
    while let sender = bySender[entry.sender], sender.load.exceeds(Self.limitOfUser) { removeOldest(of: entry.sender) }
    while load.exceeds(Self.limitInAll), let first = order.popFirst() { forget(first) }
    tidy(entry.sender)
  }

  /// A user has processed the messages after `from` up to `through`: whom to tell.
  mutating func delivered(_ user: UserID, from: Seq, through: Seq) -> [Told] {
    guard from < through, !order.isEmpty else { return [] }
    var told: [Told] = []
    let (first, end) = (order.partitioningIndex { $0 > from }, order.partitioningIndex { $0 > through })
    for place in first..<end {
      told += take(user, order[place], isOffer: false)
    }
    compact()
    return told
  }

  /// A user has the file that was offered at a seq: whom to tell.
  mutating func saved(_ user: UserID, _ seq: Seq) -> [Told] {
    defer { compact() }
    return take(user, seq, isOffer: true)
  }

  /// Who waits to hear that a user has what was sent at a seq.
  func waiting(at seq: Seq, for user: UserID) -> [Told] {
    (lists[seq] ?? []).filter { $0.remaining.binarySearch(user) }.map { told(user, $0) }
  }

  /// Senders wait for the nicks that they were told.
  mutating func renamed(_ user: UserID, from nick: String) {
    guard load.lists > 0 else { return }
    renamed += 1
    var list = renames[user] ?? []
    if list.count >= Self.renamesOfUser { list.removeFirst() }
    list.append(Rename(number: renamed, former: nick))
    renames[user] = list
  }

  mutating func closed(_ session: SessionID) {
    for seq in bySession[session] ?? [] {
      for entry in lists[seq] ?? [] where entry.session == session { remove(Key(entry)) }
    }
    compact()
  }

  /// Nobody can get what was sent at a seq any more.
  mutating func forget(_ seq: Seq) {
    for entry in lists[seq] ?? [] { remove(Key(entry)) }
    compact()
  }

  // MARK: Keeping

  private mutating func take(_ user: UserID, _ seq: Seq, isOffer: Bool) -> [Told] {
    // Taken out, so that nothing is copied.
    guard var list = lists.removeValue(forKey: seq) else { return [] }
    var told: [Told] = []
    for index in list.indices where list[index].isOffer == isOffer {
      let place = list[index].remaining.partitioningIndex { $0 >= user }
      guard place < list[index].remaining.count, list[index].remaining[place] == user else { continue }
      told.append(self.told(user, list[index]))
      list[index].remaining.remove(at: place)
      load.users -= 1
      bySender[list[index].sender]?.load.users -= 1
    }
    lists[seq] = list
    for entry in list where entry.remaining.isEmpty { remove(Key(entry)) }
    return told
  }

  private func told(_ user: UserID, _ entry: Waiting) -> Told {
    let since = renames[user]?.first { $0.number > entry.renames }
    return Told(session: entry.session, id: entry.id, formerNick: since?.former)
  }

  private mutating func remove(_ key: Key) {
    guard let index = lists[key.seq]?.firstIndex(where: { Key($0) == key }),
      let entry = lists[key.seq]?.remove(at: index)
    else { return }
    if lists[key.seq]?.isEmpty == true { lists[key.seq] = nil }
    if lists[key.seq]?.contains(where: { $0.session == key.session }) != true {
      bySession[key.session]?.remove(key.seq)
      if bySession[key.session]?.isEmpty == true { bySession[key.session] = nil }
    }
    count(entry, -1)
    if bySender[entry.sender]?.load.lists == 0 { bySender[entry.sender] = nil }
  }

  private mutating func count(_ entry: Waiting, _ sign: Int) {
    load.lists += sign
    load.users += sign * entry.remaining.count
    bySender[entry.sender, default: Sender()].load.lists += sign
    bySender[entry.sender, default: Sender()].load.users += sign * entry.remaining.count
  }

  private mutating func removeOldest(of sender: UserID) {
    guard let key = bySender[sender]?.keys.popFirst() else { return }
    remove(key)
  }

  /// Those that are over go from the lists of what came in which order, when they are most of it.
  private mutating func tidy(_ sender: UserID) {
    guard let entry = bySender[sender], entry.keys.count > 2 * entry.load.lists + 64 else { return }
    let lists = lists
    bySender[sender]?.keys.removeAll { key in lists[key.seq]?.contains { Key($0) == key } != true }
  }

  private mutating func compact() {
    if load.lists == 0 {
      order = []
      renames = [:]
    } else if order.count > 2 * lists.count + 64 {
      let lists = lists
      order.removeAll { lists[$0] == nil }
    }
  }
}
