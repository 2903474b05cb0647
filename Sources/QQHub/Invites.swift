import QQJournal
import QQProtocol

/// Invites by what they are asked for: the hash of the secret, the id, the nick that is promised, who made them.
struct Invites: Sendable {
  private var rows: [Digest: InviteRow] = [:]
  private var byID: [String: Digest] = [:]
  /// By folded nick, those that nobody has used or revoked.
  private var promises: [String: Set<Digest>] = [:]
  /// In the order of their making.
  private var byInviter: [UserID: [Digest]] = [:]

  var all: some Collection<InviteRow> { rows.values }
  var count: Int { rows.count }

  subscript(hash: Digest) -> InviteRow? { rows[hash] }
  subscript(id id: String) -> InviteRow? { byID[id].flatMap { rows[$0] } }

  func made(by user: UserID) -> [InviteRow] { byInviter[user, default: []].compactMap { rows[$0] } }

  /// The invite that this nick is kept for.
  func promise(of nick: Nick, at time: Timestamp) -> InviteRow? {
    guard let hashes = promises[nick.folded] else { return nil }
    return hashes.compactMap { rows[$0] }.filter { $0.isOpen(at: time) }.min { $0.id < $1.id }
  }

  /// In the place of the one with this hash.
  mutating func put(_ row: InviteRow) {
    if let old = rows.updateValue(row, forKey: row.hash) {
      withdraw(old)
    } else {
      byID[row.id] = row.hash
      byInviter[row.by, default: []].append(row.hash)
    }
    if row.end == nil, let nick = Self.folded(row) { promises[nick, default: []].insert(row.hash) }
  }

  /// False where there is none.
  mutating func remove(_ hash: Digest) -> Bool {
    guard let row = rows.removeValue(forKey: hash) else { return false }
    byID[row.id] = nil
    byInviter[row.by]?.removeAll { $0 == hash }
    if byInviter[row.by]?.isEmpty == true { byInviter[row.by] = nil }
    withdraw(row)
    return true
  }

  private mutating func withdraw(_ row: InviteRow) {
    guard let nick = Self.folded(row), promises[nick]?.remove(row.hash) != nil else { return }
    if promises[nick]?.isEmpty == true { promises[nick] = nil }
  }

  private static func folded(_ row: InviteRow) -> String? {
    row.nick.flatMap { (try? Nick($0))?.folded }
  }
}
