/// Two users who talk all the time, beside whatever else happens to their hub: each message must arrive, once, in order
/// and in time.
struct FriendlyPair {
  /// What became of their conversation.
  struct Result: Sendable {
    var messages = 0
    var longestWait = Duration.zero
    /// What didn't hold; the conversation ends there.
    var violation: String?
  }

  static let nicks = ["ann", "ben"]
  private static let patience = 20_000

  private let sockets: [FuzzSocket]
  private var said = 0
  private var heard = 0
  private(set) var result = Result()

  /// Both are welcomed and listen.
  init(port: Int, source: String, _ makeWire: MakeWire) throws {
    var sockets: [FuzzSocket] = []
    for (index, nick) in Self.nicks.enumerated() {
      let socket = try FuzzSocket(port: port, source: source, wire: try makeWire(1_000 + index))
      try socket.send(
        Array(
          """
          {"type":"hello","protocol":1,"nick":"\(nick)","explicit":true}
          {"type":"listen","ref":1,"after":"now"}

          """.utf8))
      var waits = 2
      let end = FuzzSocket.now + Self.patience
      while waits > 0 {
        _ = socket.flush(milliseconds: 1_000)
        while let line = socket.takeLine() {
          guard !line.starts(with: Array("{\"type\":\"error\"".utf8)) else {
            throw UnexpectedOutput(String(decoding: line, as: UTF8.self))
          }
          waits -= 1
        }
        guard !socket.isOver, FuzzSocket.now < end else { throw UnexpectedOutput("\(nick) wasn't welcomed") }
        if waits > 0 { socket.wait(50) }
      }
      sockets.append(socket)
    }
    self.sockets = sockets
  }

  /// Says a few messages, and has them heard.
  mutating func turn(_ random: inout SplitMix64) {
    let speaker = random.below(2)
    let start = FuzzSocket.now
    do {
      for _ in 0...random.below(6) {
        said += 1
        let id = String(String(repeating: "0", count: 26) + "5\(said)").suffix(26)
        try sockets[speaker].send(
          Array(
            "{\"type\":\"send\",\"id\":\"\(speaker)\(id.dropFirst())\",\"to\":[\"\(Self.nicks[1 - speaker])\"],\"text\":\"pair \(said)\"}\n"
              .utf8))
      }
    } catch {
      return violated("\(Self.nicks[speaker]) can't write: \(error)")
    }
    while heard < said, result.violation == nil {
      for socket in sockets {
        _ = socket.flush(milliseconds: 5)
        socket.wait(2)
      }
      for reader in [0, 1] { hear(reader) }
      let gone = sockets.firstIndex { $0.isOver }
      if let gone, heard < said { violated("the hub has closed the connection of \(Self.nicks[gone])") }
      if FuzzSocket.now - start > Self.patience {
        violated("message \(heard + 1) of \(said) didn't arrive within \(Self.patience / 1_000) s")
      }
    }
    result.messages = heard
    result.longestWait = max(result.longestWait, .milliseconds(FuzzSocket.now - start))
  }

  private mutating func hear(_ reader: Int) {
    while let line = sockets[reader].takeLine() {
      guard line.starts(with: Self.messageStart) || line.starts(with: Self.errorStart) else { continue }
      let line = JSONLine(Array(line))
      if line["type"] == "error" { return violated("\(Self.nicks[reader]) was told \(line)") }
      guard line["from"] == Self.nicks[1 - reader], let text = line["text"], text.hasPrefix("pair ") else { continue }
      guard text == "pair \(heard + 1)" else { return violated("\"pair \(heard + 1)\" is due and \"\(text)\" came") }
      heard += 1
    }
  }

  private static let messageStart = Array("{\"type\":\"message\"".utf8)
  private static let errorStart = Array("{\"type\":\"error\"".utf8)

  private mutating func violated(_ what: String) {
    if result.violation == nil { result.violation = what }
  }
}
