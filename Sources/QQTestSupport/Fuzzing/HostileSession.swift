/// What one connection does to a hub, so that it can be done again.
public struct HostileSession: Equatable, Sendable {
  public enum Step: Equatable, Sendable {
    /// Through TLS, where there is any; the first of these begins the handshake.
    case send([UInt8], times: Int)
    /// Past it.
    case raw([UInt8])
    /// Of all that is still to be written only so many bytes are: a record or a line is cut.
    case cut(Int)
    /// Reads until so many lines have come, or the end, or the time is up.
    case answers(Int, milliseconds: Int)
    /// Reads until a line of this type has come, or the end, or the time is up.
    case until(String, milliseconds: Int)
    /// From now on nothing is read.
    case deaf
    case pause(milliseconds: Int)
    /// Nothing more will be written: a FIN.
    case finish
    /// The end, by a RST.
    case reset
  }

  /// The address that the hub sees.
  public var source: String
  /// Whose key is presented; nil is no TLS.
  public var user: Int?
  public var steps: [Step]

  public init(source: String = "127.0.0.1", user: Int? = nil, steps: [Step]) {
    self.source = source
    self.user = user
    self.steps = steps
  }

  // MARK: As bytes

  /// A line for each step, with the bytes it writes behind it.
  public var bytes: [UInt8] {
    var out = Array("session \(source) \(user.map { "tls \($0)" } ?? "plain")\n".utf8)
    for step in steps {
      switch step {
      case .send(let bytes, let times): out += Array("send \(times) \(bytes.count)\n".utf8) + bytes + [0x0a]
      case .raw(let bytes): out += Array("raw \(bytes.count)\n".utf8) + bytes + [0x0a]
      case .cut(let count): out += Array("cut \(count)\n".utf8)
      case .answers(let count, let time): out += Array("answers \(count) \(time)\n".utf8)
      case .until(let type, let time): out += Array("until \(type) \(time)\n".utf8)
      case .deaf: out += Array("deaf\n".utf8)
      case .pause(let time): out += Array("pause \(time)\n".utf8)
      case .finish: out += Array("finish\n".utf8)
      case .reset: out += Array("reset\n".utf8)
      }
    }
    return out
  }

  /// Reads what `bytes` has written, one session after the other; lines that begin with `#` say why. nil for anything
  /// else.
  public static func sessions(_ bytes: [UInt8]) -> [HostileSession]? {
    var sessions: [HostileSession] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0a) {
      let words = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ").map(String.init)
      rest = rest[(end + 1)...]
      guard let word = words.first, !word.hasPrefix("#") else { continue }
      if word == "session" {
        guard words.count >= 3 else { return nil }
        sessions.append(HostileSession(source: words[1], user: words.count > 3 ? Int(words[3]) : nil, steps: []))
      } else {
        guard !sessions.isEmpty, let step = step(words, &rest) else {
          return nil
        }
        sessions[sessions.count - 1].steps.append(step)
      }
    }
    return sessions
  }

  private static func step(_ words: [String], _ rest: inout ArraySlice<UInt8>) -> Step? {
    let numbers = words.dropFirst().compactMap { Int($0) }
    /// The bytes that follow, and a newline.
    func payload(_ count: Int) -> [UInt8]? {
      guard count >= 0, rest.count > count else { return nil }
      defer { rest = rest.dropFirst(count + 1) }
      return Array(rest.prefix(count))
    }
    switch (words[0], numbers.count) {
    case ("send", 2): return payload(numbers[1]).map { .send($0, times: numbers[0]) }
    case ("raw", 1): return payload(numbers[0]).map { .raw($0) }
    case ("cut", 1): return .cut(numbers[0])
    case ("answers", 2): return .answers(numbers[0], milliseconds: numbers[1])
    case ("until", 1): return .until(words[1], milliseconds: numbers[0])
    case ("pause", 1): return .pause(milliseconds: numbers[0])
    case ("deaf", 0): return .deaf
    case ("finish", 0): return .finish
    case ("reset", 0): return .reset
    default: return nil
    }
  }
}
