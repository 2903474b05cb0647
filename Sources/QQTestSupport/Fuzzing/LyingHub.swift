import Glibc
import QQProtocol
import Synchronization

/// A hub that isn't one, in plaintext on this machine: it welcomes whoever comes, and answers with lies.
public final class LyingHub: Sendable {
  public enum Lie: Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// Nothing at all, not even a welcome.
    case silence
    /// A welcome, and then nothing.
    case silenceAfterWelcome
    /// The end, behind each question.
    case end
    /// Bytes that are no lines.
    case garbage
    /// A line that doesn't end.
    case longLine
    /// Frames of every kind, with numbers at the edge and names that are commands, and then the end.
    case extremes
    /// The same, answering the question's own number, until nobody reads any more.
    case flood
    /// Users, groups, files and invites whose names are commands and escape sequences; otherwise what a hub would say.
    case names
    /// One frame again and again, each with another number in it.
    case endless

    public var description: String {
      switch self {
      case .silence: "silence"
      case .silenceAfterWelcome: "silence after the welcome"
      case .end: "end"
      case .garbage: "garbage"
      case .longLine: "a long line"
      case .extremes: "extremes"
      case .flood: "a flood"
      case .names: "names"
      case .endless: "an endless answer"
      }
    }
  }

  public let port: Int
  private let listener: Int32
  private let lie: Lie
  private let seed: UInt64
  private let connections = Mutex<[Int32]>([])

  public init(_ lie: Lie, seed: UInt64) throws {
    self.lie = lie
    self.seed = seed
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw SystemFault("socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isBound else {
      close(listener)
      throw SystemFault("bind")
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    OwnThread.detach { [self] in accept() }
  }

  /// Ends it and every connection.
  public func end() {
    shutdown(listener, Int32(SHUT_RDWR))
    connections.withLock { list in for descriptor in list { shutdown(descriptor, Int32(SHUT_RDWR)) } }
  }

  private func accept() {
    var number: UInt64 = 0
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else {
        if errno == EINTR || errno == ECONNABORTED { continue }
        close(listener)
        return
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      connections.withLock { $0.append(descriptor) }
      number += 1
      let seed = seed &+ number
      OwnThread.detach { [self] in
        var answers = Answers(lie, seed: seed)
        talk(descriptor, &answers)
        connections.withLock { list in list.removeAll { $0 == descriptor } }
        close(descriptor)
      }
    }
  }

  private func talk(_ descriptor: Int32, _ answers: inout Answers) {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    var line: [UInt8] = []
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      for byte in buffer[..<count] {
        guard byte == 0x0a else {
          line.append(byte)
          continue
        }
        let question = String(decoding: line, as: UTF8.self)
        line = []
        var next: [UInt8]? = answers.first(question)
        while let bytes = next {
          guard Self.write(bytes, to: descriptor) else { return }
          next = answers.next()
        }
        if answers.isOver { return }
      }
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
      let result = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written, Int32(MSG_NOSIGNAL))
      }
      if result < 0, errno == EINTR { continue }
      guard result > 0 else { return false }
      written += result
    }
    return true
  }
}

/// What a hub that lies says next. Pure.
private struct Answers {
  private let lie: LyingHub.Lie
  private var random: SplitMix64
  private var ref: String?
  private var left = 0
  private var pattern: String?
  private(set) var isOver = false

  private static let welcome =
    "{\"type\":\"welcome\",\"protocol\":1,\"hub\":\"$(id)\",\"epoch\":\"e\",\"nick\":\"zoe\",\"address\":\"127.0.0.1\",\"seq\":5}\n"
  private static let numbers = [
    "0", "-1", "1", "2", "9007199254740991", "-9007199254740991", "1048576", "-1048576", "9223372036854775807",
  ]
  private static let names = [
    "$(touch PWNED)", "`touch PWNED`", "../../PWNED", "/tmp/PWNED", "-rf", "\\u001b]0;x\\u0007\\u001b[2J", "\\u202egnp",
    "a\\nb", "", ".", "..", ".qq-part-x", "'; touch PWNED; '", "bob", "@all", "\\u0000",
  ]

  init(_ lie: LyingHub.Lie, seed: UInt64) {
    self.lie = lie
    random = SplitMix64(seed: seed)
  }

  /// The answer to a line, or its beginning.
  mutating func first(_ question: String) -> [UInt8]? {
    ref = Self.value("ref", in: question)
    let isHello = question.hasPrefix("{\"type\":\"hello\"")
    if lie == .silence { return nil }
    if isHello { return Array(Self.welcome.utf8) }
    switch lie {
    case .silence, .silenceAfterWelcome: return nil
    case .end:
      isOver = true
      return nil
    case .garbage: left = 4
    case .longLine: left = 64
    case .extremes: left = 40
    case .flood: left = .max
    case .names: left = 1
    case .endless:
      left = .max
      pattern = frame()
    }
    return next()
  }

  mutating func next() -> [UInt8]? {
    guard left > 0 else {
      if lie == .extremes || lie == .garbage { isOver = true }
      return nil
    }
    left -= 1
    switch lie {
    case .silence, .silenceAfterWelcome, .end: return nil
    case .garbage: return (0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    case .longLine: return [UInt8](repeating: UInt8(ascii: "{"), count: 16 << 10)
    case .extremes: return Array(frame().utf8)
    case .names: return Array(names().utf8)
    case .flood: return Array((0..<64).map { _ in frame() }.joined().utf8)
    case .endless:
      let line = pattern ?? ""
      return Array((0..<64).map { _ in renumbered(line) }.joined().utf8)
    }
  }

  private static let lines = FuzzCorpus.hubFrames.map { frame in
    var writer = JSONWriter()
    frame.encode(into: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// A frame of any kind that answers the question, with something else in some of its fields.
  private mutating func frame() -> String {
    var line = Self.lines[random.below(Self.lines.count)]
    if let ref { line = Self.replacing("ref", in: line, with: ref) }
    for field in [
      "seq", "offset", "size", "bytes", "manifest", "mode", "from", "nick", "name", "to", "hub", "text", "id",
    ]
    where random.oneIn(4) {
      line = Self.replacing(field, in: line, with: value(field))
    }
    // A piece's bytes, or fewer.
    if line.hasPrefix("{\"type\":\"chunk\"") { line += String(repeating: "x", count: random.below(16)) }
    return line
  }

  /// Every kind of frame with each of the names in each of its texts, as one whole answer.
  private func names() -> String {
    var text = ""
    for name in Self.names {
      for line in Self.lines where !line.hasPrefix("{\"type\":\"chunk") && !line.hasPrefix("{\"type\":\"ok") {
        // An error would be the end of the answer.
        if line.hasPrefix("{\"type\":\"error") || line.hasPrefix("{\"type\":\"welcome") { continue }
        var line = line
        for field in ["nick", "name", "from", "text", "hub", "address", "by", "used_by", "path", "admits", "client"] {
          line = Self.replacing(field, in: line, with: "\"\(name)\"")
        }
        for field in ["groups", "to", "awaiting"] { line = Self.replacing(field, in: line, with: "[\"\(name)\"]") }
        text += line
      }
    }
    return text + "{\"type\":\"ok\",\"ref\":\(ref ?? "0"),\"seq\":0}\n"
  }

  private mutating func value(_ field: String) -> String {
    switch field {
    case "seq", "offset", "size", "bytes", "manifest", "mode": Self.numbers[random.below(Self.numbers.count)]
    case "to": "[\"\(Self.names[random.below(Self.names.count)])\"]"
    case "id": "\"000000000000000000000000\(10 + random.below(80))\""
    default: "\"\(Self.names[random.below(Self.names.count)])\""
    }
  }

  private mutating func renumbered(_ line: String) -> String {
    var line = Self.replacing("seq", in: line, with: String(1 + random.next() % (1 << 52)))
    for field in ["nick", "name"] { line = Self.replacing(field, in: line, with: "\"n\(random.next() % (1 << 40))\"") }
    return line
  }

  // MARK: Fields of a line

  private static func range(_ field: String, in line: String) -> Range<String.Index>? {
    let key = "\"\(field)\":"
    guard let start = line.firstRange(of: key)?.upperBound else { return nil }
    var end = start
    var depth = 0
    var isQuoted = false
    while end < line.endIndex {
      let character = line[end]
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted {
        if character == "[" { depth += 1 }
        if depth == 0, character == "," || character == "}" { break }
        if character == "]" { depth -= 1 }
      }
      end = line.index(after: end)
    }
    return start..<end
  }

  private static func value(_ field: String, in line: String) -> String? {
    range(field, in: line).map { String(line[$0]) }
  }

  private static func replacing(_ field: String, in line: String, with value: String) -> String {
    guard let range = range(field, in: line) else { return line }
    return line.replacingCharacters(in: range, with: value)
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
