import QQProtocol

/// Who is known, for completion and to tell at the beginning.
struct Roster: Equatable, Sendable {
  private struct Entry: Equatable, Sendable {
    var isOnline: Bool
    var address: String?
  }

  private var users: [String: Entry] = [:]
  var groups: Set<String> = ["@all"]
  /// Who has spoken, the latest last.
  private var speakers: [String] = []

  /// Names beyond which no more are kept, of users and of groups: a hub may name any number.
  private static let most = 50_000

  mutating func add(_ user: HubFrame.User) {
    isOnline(user.nick, user.online, address: user.address)
    for group in user.groups { add(group: group) }
  }

  private mutating func add(group: String) {
    if groups.count < Self.most, group.utf8.count <= ProtocolLimits.name { groups.insert(group) }
  }

  mutating func isOnline(_ nick: String, _ isOnline: Bool, address: String?) {
    guard users.count < Self.most || users[nick] != nil, nick.utf8.count <= ProtocolLimits.name else { return }
    users[nick] = Entry(isOnline: isOnline, address: address)
  }

  mutating func spoke(_ nick: String, to targets: [String]) {
    speakers.removeAll { $0 == nick }
    speakers.append(nick)
    if speakers.count > 100 { speakers.removeFirst() }
    for target in targets where target.hasPrefix("@") { add(group: target) }
  }

  var online: [String] { users.filter(\.value.isOnline).keys.sorted() }

  /// Who has spoken of late first, then who is online, then the others.
  var nicks: [String] {
    let recent = speakers.reversed().filter { users[$0] != nil }
    let rest = users.keys.filter { !recent.contains($0) }.sorted { left, right in
      let (isLeft, isRight) = (users[left]?.isOnline == true, users[right]?.isOnline == true)
      return isLeft == isRight ? left < right : isLeft
    }
    return recent + rest
  }

  var addresses: [String] { Set(users.values.filter(\.isOnline).compactMap(\.address)).sorted() }

  /// Nicks and groups are the same where they differ in case alone.
  static func same(_ left: String, _ right: String) -> Bool {
    if left == right { return true }
    if let left = try? Nick(left), let right = try? Nick(right) { return left == right }
    return left.lowercased() == right.lowercased()
  }
}

/// Whether a text speaks of somebody.
enum Mention {
  /// The nick as a word of its own, however it is written: `bob`, `@Bob`, `bob:`; not in `bobsled`, nor in `bob-2`.
  static func isIn(_ text: String, of nick: String) -> Bool { !ranges(in: text, of: nick).isEmpty }

  static func ranges(in text: String, of nick: String) -> [Range<String.Index>] {
    let wanted = Array(nick.lowercased())
    guard !wanted.isEmpty else { return [] }
    var found: [Range<String.Index>] = []
    var index = text.startIndex
    var before: Character?
    while index < text.endIndex {
      if before.map(isPartOfNick) != true, let end = match(wanted, text[index...]) {
        found.append(index..<end)
        before = nil
        index = end
        if index < text.endIndex { before = text[text.index(before: index)] }
        continue
      }
      before = text[index]
      index = text.index(after: index)
    }
    return found
  }

  private static func match(_ wanted: [Character], _ text: Substring) -> String.Index? {
    var index = text.startIndex
    for character in wanted {
      guard index < text.endIndex, text[index].lowercased() == String(character) else { return nil }
      index = text.index(after: index)
    }
    guard index < text.endIndex else { return index }
    let next = text[index]
    // A full stop ends a sentence more often than it goes on in a nick.
    if next == "." || next == "-" {
      let after = text.index(after: index)
      return after < text.endIndex && isPartOfNick(text[after]) ? nil : index
    }
    return isPartOfNick(next) ? nil : index
  }

  private static func isPartOfNick(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "-" || character == "."
  }
}
