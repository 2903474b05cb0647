import Glibc

/// How long a person waits for `qq chat`: for its prompt, and for a key while 10,000 messages arrive at once.
struct ChatTime {
  var programs: Programs
  var starts: Int

  private static let flood = 10_000
  private static let prompt = Array("@all> ".utf8)

  struct Result {
    /// Sorted, in milliseconds.
    var starts: [Double]
    var echoes: [Double]
    /// From the first message to the last on the screen.
    var seconds: Double

    var fields: [(String, JSONLine.Value)] {
      [
        ("starts", .int(starts.count)), ("start_p50_ms", .number(median(starts) ?? 0)),
        ("keys", .int(echoes.count)), ("echo_p50_ms", .number(median(echoes) ?? 0)),
        ("echo_max_ms", .number(echoes.last ?? 0)), ("flood_seconds", .number(seconds)),
      ]
    }
  }

  /// `server`: a hub with TLS; `environment`: of its clients.
  func measure(_ hub: String, _ environment: [String: String]) throws -> Result {
    var samples: [Double] = []
    for run in 0...starts {
      let start = monotonicNanoseconds()
      let chat = try chat(hub, environment)
      try chat.read(until: Self.prompt)
      if run > 0 { samples.append(Double(monotonicNanoseconds() - start) / 1e6) }
      chat.end()
    }
    let chat = try chat(hub, environment)
    defer { chat.end() }
    try chat.read(until: Self.prompt)
    let (echoes, seconds) = try flooded(chat, hub, environment)
    return Result(starts: samples.sorted(), echoes: echoes.sorted(), seconds: seconds)
  }

  private func chat(_ hub: String, _ environment: [String: String]) throws -> OnTerminal {
    try OnTerminal([programs.qq, "chat", "--hub", hub, "--nick", "reader", "--no-bell"], environment)
  }

  /// Types a word that isn't there yet, waits for it, and so on, until the last message is on the screen.
  private func flooded(
    _ chat: OnTerminal, _ hub: String, _ environment: [String: String]
  ) throws -> (echoes: [Double], seconds: Double) {
    let folder = try TemporaryFolder()
    let text = String(repeating: "some words of a message ", count: 3)
    try writeFile("\(folder.path)/lines", (1...Self.flood).map { "\(text)\($0)\n" }.joined())
    let start = monotonicNanoseconds()
    let sender = try Child.start(
      [programs.qq, "send", "--hub", hub, "--nick", "sender", "--lines", "@all"], environment: environment,
      input: "\(folder.path)/lines")
    let last = Array("message \(Self.flood)".utf8)
    var echoes: [Double] = []
    var isOver = false
    while !isOver {
      let word = Array("q\(1000 + echoes.count)z".utf8)
      let typed = monotonicNanoseconds()
      // The line is emptied first.
      try chat.type([0x15] + word)
      isOver = try chat.read(until: word, noting: last)
      echoes.append(Double(monotonicNanoseconds() - typed) / 1e6)
      guard monotonicNanoseconds() - start < 60_000_000_000 else { throw BenchError("the messages never came") }
    }
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    guard sender.wait() == 0 else { throw BenchError("the sender failed") }
    return (echoes, seconds)
  }
}

/// A program on a terminal that this process holds the other end of.
final class OnTerminal {
  private let child: Child
  private let master: Int32
  private var tail: [UInt8] = []

  init(_ arguments: [String], _ environment: [String: String]) throws {
    var (master, slave): (Int32, Int32) = (-1, -1)
    var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
    guard openpty(&master, &slave, nil, nil, &size) == 0, let name = ttyname(slave) else {
      throw BenchError.system("openpty")
    }
    defer { close(slave) }
    _ = fcntl(master, F_SETFD, FD_CLOEXEC)
    _ = fcntl(slave, F_SETFD, FD_CLOEXEC)
    self.master = master
    child = try Child.start(
      arguments, environment: environment.merging(["TERM": "xterm-256color"]) { $1 }, terminal: String(cString: name))
  }

  func type(_ bytes: [UInt8]) throws {
    guard write(master, bytes, bytes.count) == bytes.count else { throw BenchError.system("write to a terminal") }
  }

  /// Reads until these bytes have come; whether the others have, too.
  @discardableResult
  func read(until wanted: [UInt8], noting other: [UInt8] = []) throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    var hasOther = false
    while true {
      let count = Glibc.read(master, &buffer, buffer.count)
      guard count > 0 else { throw BenchError("the chat ended") }
      tail += buffer[..<count]
      if !other.isEmpty, !hasOther { hasOther = tail.firstRange(of: other) != nil }
      if tail.firstRange(of: wanted) != nil { return hasOther }
      if tail.count > 256 { tail.removeFirst(tail.count - 256) }
    }
  }

  func end() {
    try? type([0x15, 0x04])
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while Glibc.read(master, &buffer, buffer.count) > 0 {}
    _ = child.wait()
    close(master)
  }
}
