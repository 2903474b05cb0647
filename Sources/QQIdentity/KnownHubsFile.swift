/// The lines of a `known_hubs` file, understood or not, and what they say.
struct KnownHubsFile {
  /// The largest file that is read or written, in bytes: thousands of hubs.
  static let limit = 1 << 20

  private var lines: [Line]

  init(_ bytes: [UInt8]) {
    var pieces = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // Behind the last newline is nothing, or a line that may be cut off.
    let last = pieces.popLast() ?? []
    lines = pieces.map { Line($0, isComplete: true) }
    if !last.isEmpty { lines.append(Line(last, isComplete: false)) }
  }

  var bytes: [UInt8] {
    lines.flatMap { $0.bytes + [UInt8(ascii: "\n")] }
  }

  var entries: [(address: KnownHubs.Address, entry: KnownHubs.Entry)] {
    lines.compactMap { line in
      if case .entry(let address, let entry) = line.content { (address, entry) } else { nil }
    }
  }

  /// What is known of a hub. An error if a line that may be about it is damaged, or two lines disagree.
  func entry(for address: KnownHubs.Address, path: String) throws(IdentityError) -> KnownHubs.Entry? {
    var found: KnownHubs.Entry?
    for (index, line) in lines.enumerated() {
      let damage = IdentityError.malformedKnownHub(path: path, line: index + 1, hub: address.description)
      switch line.content {
      case .entry(address, let entry):
        guard found == nil || found == entry else { throw damage }
        found = entry
      case .entry, .other:
        continue
      case .damaged(let place):
        guard !place.covers(address) else { throw damage }
      }
    }
    return found
  }

  /// Makes `entry` the only one for a hub, in the place of the first there was.
  mutating func set(_ entry: KnownHubs.Entry, for address: KnownHubs.Address) {
    let line = Line(Array("\(address) \(entry)".utf8)[...], isComplete: true)
    let index = lines.firstIndex { $0.isEntry(for: address) } ?? lines.endIndex
    lines.insert(line, at: index)
    let after = lines[(index + 1)...].filter { !$0.isEntry(for: address) }
    lines.replaceSubrange((index + 1)..., with: after)
  }

  /// Removes every line about a hub, damaged ones as well; not those that may be about any hub.
  mutating func remove(_ address: KnownHubs.Address) -> Bool {
    let count = lines.count
    lines.removeAll { line in
      switch line.content {
      case .entry(let other, _): other == address
      case .damaged(.anywhere), .other: false
      case .damaged(let place): place.covers(address)
      }
    }
    return lines.count < count
  }
}

/// A line as it stands in the file and what it means.
private struct Line {
  enum Content {
    case entry(KnownHubs.Address, KnownHubs.Entry)
    case damaged(Place)
    /// A comment, nothing, or something from a newer version.
    case other
  }

  /// Which hubs a damaged line may have been about.
  enum Place {
    case anywhere
    case host(HostName)
    case hub(KnownHubs.Address)

    func covers(_ address: KnownHubs.Address) -> Bool {
      switch self {
      case .anywhere: true
      case .host(let host): host.text == address.host
      case .hub(let hub): hub == address
      }
    }
  }

  let bytes: ArraySlice<UInt8>
  let content: Content

  init(_ bytes: ArraySlice<UInt8>, isComplete: Bool) {
    self.bytes = bytes
    content = Line.content(of: bytes, isComplete: isComplete)
  }

  func isEntry(for address: KnownHubs.Address) -> Bool {
    if case .entry(address, _) = content { true } else { false }
  }

  private static func content(of bytes: ArraySlice<UInt8>, isComplete: Bool) -> Content {
    // A file system that lost data leaves zeros; text has none, nor anything that is not UTF-8.
    let isText = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0D }
    guard isText, let line = String(validating: bytes, as: UTF8.self) else { return .damaged(.anywhere) }
    let words = line.unicodeScalars.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map { String($0) }
    guard let first = words.first, !first.hasPrefix("#") else { return .other }

    let (hostText, portText) = split(first)
    let value = Array(words.dropFirst().prefix { !$0.hasPrefix("#") })
    guard let host = HostName(hostText) else { return isComplete ? .other : .damaged(.anywhere) }
    let address = portText.flatMap { Int($0) }.flatMap { KnownHubs.Address(host: host.text, port: $0) }
    if let address, let entry = entry(value) { return .entry(address, entry) }
    guard isComplete else { return .damaged(.anywhere) }
    // Without a value a port may have lost digits.
    guard let address, !value.isEmpty else { return .damaged(.host(host)) }
    return .damaged(.hub(address))
  }

  private static func entry(_ words: [String]) -> KnownHubs.Entry? {
    switch words.count {
    case 1:
      return Fingerprint(words[0]).map { .pin($0) }
    case 2 where words[0] == "ca":
      guard let name = HostName(words[1]), !name.isAddress else { return nil }
      return .ca(hostname: name.text)
    default:
      return nil
    }
  }

  /// `HOST:PORT` or `[HOST]:PORT` in two; the port is nil where there is none.
  private static func split(_ word: String) -> (host: Substring, port: Substring?) {
    let scalars = word.unicodeScalars
    let start =
      word.hasPrefix("[") ? scalars.lastIndex(of: "]") ?? scalars.startIndex : scalars.startIndex
    guard let colon = scalars[start...].lastIndex(of: ":") else { return (word[...], nil) }
    return (word[..<colon], word[scalars.index(after: colon)...])
  }
}
