import Glibc
import QQProtocol
import Synchronization

/// Shows how transfers get on: bars on standard error where that is a terminal, `progress` objects on standard output
/// where JSON was asked for by name, and nothing otherwise.
final class ProgressDisplay: Sendable {
  private struct Row {
    var key: String
    var id: MessageID
    var nick: String?
    var meter: ProgressMeter
  }

  private struct State {
    var rows: [Row] = []
    /// Lines that are on the screen.
    var drawn = 0
    var lastDrawn: ContinuousClock.Instant?
    var lastTold: [String: ContinuousClock.Instant] = [:]
  }

  private let state = Mutex(State())
  private let showsBars: Bool
  private let output: Output?

  init(_ output: Output, _ settings: OutputSettings, _ environment: Environment) {
    showsBars =
      Descriptor.isTerminal(2) && !settings.isQuiet && settings.format != .json && environment["TERM"] != "dumb"
    self.output = settings.format == .json ? output : nil
  }

  /// A transfer has come so far. `nick`: whose it is, where it isn't this process's own.
  func show(_ id: MessageID, _ name: String, nick: String? = nil, done: Int64, total: Int64?) {
    guard showsBars || output != nil else { return }
    let now = ContinuousClock.now
    let key = "\(id) \(nick ?? "")"
    if let output, isDue(key, now, done == total) {
      try? output.show(text: "") { json in
        json.begin("progress")
        json.field("id", id)
        json.field("name", name)
        json.field("nick", nick)
        json.field("bytes", done)
        json.field("size", total)
        json.end()
      }
    }
    guard showsBars else { return }
    state.withLock { state in
      if let place = state.rows.firstIndex(where: { $0.key == key }) {
        state.rows[place].meter.update(done: done, total: total, now: now)
      } else {
        let shown = nick.map { "  \($0)" } ?? name
        let meter = ProgressMeter(name: shown, done: done, total: total, now: now)
        state.rows.append(Row(key: key, id: id, nick: nick, meter: meter))
      }
      let isDue = state.lastDrawn.map { now - $0 > .milliseconds(100) } ?? true
      if isDue || done == total { draw(&state, now) }
    }
  }

  private func isDue(_ key: String, _ now: ContinuousClock.Instant, _ isLast: Bool) -> Bool {
    state.withLock { state in
      if !isLast, let last = state.lastTold[key], now - last < .milliseconds(200) { return false }
      state.lastTold[key] = now
      return true
    }
  }

  /// What else is written to the terminal comes above the bars.
  func above(_ body: () throws -> Void) rethrows {
    guard showsBars else { return try body() }
    try state.withLock { state in
      erase(&state)
      try body()
      if !state.rows.isEmpty { draw(&state, .now) }
    }
  }

  /// The rows of a transfer that is over stay as they are, and new ones come below.
  func end() {
    guard showsBars else { return }
    state.withLock { state in
      if !state.rows.isEmpty { draw(&state, .now) }
      state.rows = []
      state.drawn = 0
    }
  }

  private func erase(_ state: inout State) {
    guard state.drawn > 0 else { return }
    Self.write("\u{1b}[\(state.drawn)A\r\u{1b}[J")
    state.drawn = 0
  }

  private func draw(_ state: inout State, _ now: ContinuousClock.Instant) {
    state.lastDrawn = now
    let width = Self.width - 1
    var text = state.drawn > 0 ? "\u{1b}[\(state.drawn)A" : ""
    // As many as are to be seen at once.
    let rows = state.rows.suffix(8)
    for row in rows { text += "\r\(row.meter.bar.line(width: width))\u{1b}[K\n" }
    state.drawn = rows.count
    Self.write(text)
  }

  private static func write(_ text: String) {
    try? Descriptor.write(Array(text.utf8), to: 2)
  }

  private static var width: Int {
    var size = winsize()
    if ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return getenv("COLUMNS").flatMap { Int(String(cString: $0)) } ?? 80
  }
}
