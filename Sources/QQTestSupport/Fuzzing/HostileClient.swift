import QQProtocol

/// Makes up sessions, the same ones for the same seed.
struct HostileClient {
  private var values: HostileValues
  private var mutator: Mutator
  private let sources: [String]
  /// Whom the session's files go to: whoever it asked to be.
  private var nick = "h0"
  private var random: SplitMix64 {
    get { values.random }
    set { values.random = newValue }
  }

  /// `sources`: the addresses to come from.
  init(seed: UInt64, sources: [String]) {
    values = HostileValues(random: SplitMix64(seed: seed))
    mutator = Mutator(seed: seed ^ 0x5555, corpus: Self.corpus)
    self.sources = sources
  }

  private static let corpus: [[UInt8]] = FuzzCorpus.clientFrames.map { frame in
    var writer = JSONWriter()
    frame.encode(into: &writer)
    return writer.bytes.dropLast()
  }

  mutating func next() -> HostileSession {
    var session = HostileSession(
      source: values.any(sources), user: random.oneIn(3) ? random.below(6) : nil, steps: [])
    if session.source == ProxyHeaders.source {
      session.steps += (0...random.below(8) / 7).map { _ in .raw(ProxyHeaders.any(&values)) }
    }
    if random.oneIn(12) { session.steps.append(.cut(random.below(1_500))) }
    switch random.below(16) {
    case 0: session.steps += garbage()
    case 1: session.steps += classic()
    case 2: session.steps += tactic()
    default:
      nick = values.nick()
      session.steps.append(.send(Array("{\"type\":\"hello\",\"protocol\":1,\"nick\":\"\(nick)\"}\n".utf8), times: 1))
      // TLS says nothing more before its handshake is done.
      if session.user != nil ? !random.oneIn(6) : random.oneIn(2) {
        session.steps.append(.until("welcome", milliseconds: 500))
      }
      if random.oneIn(3) {
        session.steps += lines(
          "{\"type\":\"listen\",\"ref\":1,\"after\":\(values.any(["0", "\"now\"", "\"unread\""]))}\n")
      }
      for _ in 0...random.below(3) { session.steps += tactic() }
    }
    session.steps += ending()
    return session
  }

  private func lines(_ text: String, times: Int = 1) -> [HostileSession.Step] {
    [.send(Array(text.utf8), times: times)]
  }

  // MARK: Ends

  private mutating func ending() -> [HostileSession.Step] {
    switch random.below(8) {
    case 0: [.reset]
    case 1: [.pause(milliseconds: random.below(15)), .reset]
    case 2: [.answers(1, milliseconds: 100), .reset]
    case 3: [.finish, .answers(.max, milliseconds: 200)]
    case 4: [.finish]
    case 5: [.deaf, .pause(milliseconds: random.below(200)), .reset]
    case 6: [.answers(random.below(40), milliseconds: 100)]
    default: []
    }
  }

  // MARK: Tactics

  private mutating func tactic() -> [HostileSession.Step] {
    switch random.below(14) {
    case 0, 1, 2: return frames()
    case 3, 4: return mutated()
    case 5: return halves()
    case 6: return longLines()
    case 7, 8: return repeated()
    case 9: return wrong()
    case 10, 11: return file()
    case 12: return greedy()
    default: return [.pause(milliseconds: random.below(40))]
    }
  }

  /// Any frames in any order.
  private mutating func frames() -> [HostileSession.Step] {
    var text = ""
    let extremes = 2 + random.below(8)
    for _ in 0...random.below(40) { text += values.frame(values.any(HostileFrames.all), extremes: extremes) }
    return lines(text) + (random.oneIn(2) ? [.answers(5, milliseconds: 50)] : [])
  }

  private mutating func mutated() -> [HostileSession.Step] {
    var bytes: [UInt8] = []
    var line: [UInt8] = []
    for _ in 0...random.below(40) {
      mutator.next(&line)
      bytes += line + [0x0a]
    }
    return [.send(bytes, times: 1)]
  }

  private mutating func halves() -> [HostileSession.Step] {
    let line = Array(values.frame(values.any(HostileFrames.all)).utf8)
    let cut = random.below(line.count)
    var steps: [HostileSession.Step] = [.send(Array(line[..<cut]), times: 1), .pause(milliseconds: random.below(10))]
    if random.oneIn(2) { steps.append(.send(Array(line[cut...]), times: 1)) }
    return steps
  }

  /// At the limit of a line, and beyond.
  private mutating func longLines() -> [HostileSession.Step] {
    let length = ProtocolLimits.line + values.any([-1, 0, 1, 50_000])
    let start = "{\"type\":\"ping\",\"x\":\""
    let filling = [UInt8](repeating: UInt8(ascii: "x"), count: length - start.utf8.count - 2)
    let end = random.oneIn(4) ? "" : "\"}\n"
    return [.send(Array(start.utf8) + filling + Array(end.utf8), times: 1)]
  }

  /// The same once more, and again, with one thing changed: what is counted for each, and what is kept of them?
  private mutating func repeated() -> [HostileSession.Step] {
    let frame =
      random.oneIn(2)
      ? values.any(HostileFrames.all.filter { ["offer", "send", "upload", "get", "invite"].contains($0.type) })
      : values.any(HostileFrames.all)
    let (good, extreme) = values.pair(frame)
    let times = values.any([10, 100, 1_500, 4_000])
    return lines(good) + lines(extreme, times: extreme.utf8.count > 1_000 ? 10 : times)
      + (random.oneIn(2) ? [.answers(.max, milliseconds: 100)] : [])
  }

  /// Each of these is answered with an error.
  private mutating func wrong() -> [HostileSession.Step] {
    let line = values.any(["{\"type\":\"x\"}\n", "{}\n", "{\"type\":\"ack\",\"seq\":-1}\n", "{\"type\":\"send\"}\n"])
    return lines(line, times: values.any([3, 300, 20_000]))
      + (random.oneIn(2) ? [.pause(milliseconds: random.below(15)), .reset] : [])
  }

  /// Much to answer for little that was asked.
  private mutating func greedy() -> [HostileSession.Step] {
    var text = ""
    for _ in 0..<random.below(4) {
      text +=
        "{\"type\":\"send\",\"id\":\"\(values.id())\",\"to\":[\"\(values.nick())\"],\"text\":\""
        + String(repeating: "m", count: 60_000) + "\"}\n"
    }
    let asked = values.any(["{\"type\":\"history\"}\n", "{\"type\":\"who\",\"all\":true}\n", "{\"type\":\"files\"}\n"])
    return (random.oneIn(2) ? [.deaf] : []) + lines(text) + lines(asked, times: 1 + random.below(30))
  }

  private mutating func garbage() -> [HostileSession.Step] {
    let count = random.below(4_000)
    let bytes = SplitMix64.bytes(count, seed: random.next())
    let start: [UInt8] = values.any([
      [], [0x16, 3, 1], [0x16, 3, 1, 2, 0, 1], Array("{".utf8), Array("{\"type\":".utf8),
    ])
    return [.raw(start + bytes)]
  }

  // MARK: Files

  private mutating func file() -> [HostileSession.Step] {
    // Some do all of it right, so that others get somewhere, too.
    let isRight = random.oneIn(3)
    let id =
      isRight
      ? String(String(repeating: "0", count: 26) + String(random.next() >> 4)).suffix(26).description : values.id()
    let size = isRight ? 70_000 : values.any([0, 1, 5, 70_000, 1 << 20, (1 << 20) + 5])
    let bytes = SplitMix64.bytes(min(size, 1 << 20), seed: 7)
    let hash = Digest(of: bytes)
    let claimed = !isRight && random.oneIn(4) ? values.extreme(.integer) : String(size)
    var steps = lines(
      "{\"type\":\"offer\",\"ref\":1,\"id\":\"\(id)\",\"to\":[\"\(nick)\",\"@all\"],\"name\":\"f\",\"size\":\(claimed)}\n"
    )
    // Pieces are taken once both were answered.
    let waits = isRight || !random.oneIn(4)
    if waits { steps.append(.until("sent", milliseconds: 200)) }
    steps += lines("{\"type\":\"upload\",\"ref\":2,\"id\":\"\(id)\"}\n")
    if waits { steps.append(.until("ok", milliseconds: 200)) }
    let offset = !isRight && random.oneIn(6) ? values.extreme(.integer) : "0"
    let announced = !isRight && random.oneIn(6) ? values.extreme(.integer) : String(bytes.count)
    steps += lines("{\"type\":\"put\",\"offset\":\(offset),\"size\":\(announced),\"hash\":\"\(hash)\"}\n")
    switch isRight ? 6 : random.below(6) {
    case 0: steps.append(.send(Array(bytes.prefix(random.below(bytes.count))), times: 1))
    case 1: steps.append(.send(bytes + [1, 2, 3], times: 1))
    case 2: steps.append(.send(bytes.map { ~$0 }, times: 1))
    default: steps.append(.send(bytes, times: 1))
    }
    var hasher = TreeHasher()
    hasher.add(hash, size: bytes.count)
    let tree = !isRight && random.oneIn(4) ? TreeHash(hash) : bytes.isEmpty ? TreeHasher().hash : hasher.hash
    steps += lines("{\"type\":\"finish\",\"ref\":3,\"size\":\(size),\"hash\":\"\(tree)\"}\n")
    if isRight || random.oneIn(2) {
      steps += lines("{\"type\":\"get\",\"ref\":4,\"id\":\"\(id)\"}\n", times: 1 + random.below(3))
      if random.oneIn(2) { steps += lines("{\"type\":\"got\",\"offset\":\(values.extreme(.integer))}\n") }
      steps.append(.until("end", milliseconds: 100))
    }
    if random.oneIn(3) { steps += lines("{\"type\":\"withdraw\",\"ref\":5,\"id\":\"\(id)\"}\n") }
    return steps
  }

  // MARK: The classic dialect

  private mutating func classic() -> [HostileSession.Step] {
    var text = ""
    for _ in 0...random.below(20) {
      let content = values.any(["hi", "bye", "", String(repeating: "c", count: 5_000), "\\u0000\\n\\\""])
      let target = values.any(["127.0.0.1", "@all", "10.0.0.1", "h1", ""])
      text +=
        "{\"type\":\"\(values.any(["1", "2", "3", "4", "5", "9", ""]))\",\"sourceIP\":\"127.0.0.1\","
        + "\"destinationIP\":\"\(target)\",\"filename\":\"\(values.any(["f", "../f", ""]))\",\"content\":\"\(content)\"}"
    }
    let bytes = Array(text.utf8)
    return [.raw(random.oneIn(3) ? Array(bytes.prefix(random.below(bytes.count))) : bytes)]
      + (random.oneIn(2) ? [.pause(milliseconds: random.below(100))] : [])
  }
}

/// Headers of the PROXY protocol, right and wrong.
enum ProxyHeaders {
  /// Whom the hub takes for a proxy, in the tests.
  static let source = "127.0.0.3"
  private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

  static func any(_ values: inout HostileValues) -> [UInt8] {
    let v4: [UInt8] = [127, 0, 0, 1, 127, 0, 0, 1, 3, 232, 26, 133]
    let v6 = [UInt8](repeating: 0, count: 15) + [1] + [UInt8](repeating: 0, count: 15) + [1, 1, 0, 2, 0]
    let whole = signature + [0x21, 0x11, 0, 12] + v4
    switch values.random.below(12) {
    case 0: return Array(whole.prefix(values.random.below(whole.count)))
    case 1: return Array("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n".utf8)
    case 2: return signature + [0x20, 0, 0, 0]
    case 3: return signature + [0x21, 0x21, 0, 36] + v6
    case 4: return signature + [0x21, 0x11, 0xff, 0xff] + v4
    case 5: return signature + [0x21, 0x11, 0, 4] + v4
    case 6: return signature + values.any([[0x22, 0x11], [0x11, 0x11], [0x21, 0], [0x21, 0x31]]) + [0, 12] + v4
    case 7: return []
    default: return whole
    }
  }
}
