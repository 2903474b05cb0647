/// One line of a transfer's progress. Pure.
public struct ProgressBar: Equatable, Sendable {
  public var name: String
  public var done: Int64
  /// nil where it isn't known.
  public var total: Int64?
  /// Bytes a second; nil where nothing can be said yet.
  public var rate: Int64?

  public init(name: String, done: Int64, total: Int64?, rate: Int64? = nil) {
    self.name = name
    self.done = done
    self.total = total
    self.rate = rate
  }

  /// The line, at most `width` columns: the bar gives way first, then the rate, then the name.
  public func line(width: Int) -> String {
    let figures = figures(withRate: true)
    if figures.utf8.count + 10 <= width { return line(figures, width) }
    return line(self.figures(withRate: false), width)
  }

  private func figures(withRate: Bool) -> String {
    var parts: [String] = []
    if let total { parts.append(total > 0 ? "\(Self.percent(done, total))%" : "100%") }
    parts.append(ByteCount.text(done))
    if let rate, rate > 0 {
      if withRate { parts.append("\(ByteCount.text(rate))/s") }
      if let total, total > done { parts.append(Self.duration((total - max(0, done) - 1) / rate + 1)) }
    }
    return parts.joined(separator: "  ")
  }

  private func line(_ figures: String, _ width: Int) -> String {
    let room = width - figures.utf8.count - 2
    guard room >= 8 else { return String(figures.prefix(max(0, width))) }
    var bar = ""
    var nameRoom = room
    if let total, room >= 30 {
      let cells = min(30, room / 2)
      let filled = total > 0 ? Int(Int64(cells) * Self.percent(done, total) / 100) : cells
      bar =
        "  [" + String(repeating: "#", count: min(cells, filled))
        + String(repeating: "-", count: max(0, cells - filled)) + "]"
      nameRoom = room - cells - 4
    }
    return Columns.fitted(TextSafety.visible(name), nameRoom) + bar + "  " + figures
  }

  /// 0 to 100, whatever a hub says is done.
  private static func percent(_ done: Int64, _ total: Int64) -> Int64 {
    let done = min(max(0, done), total)
    // Without overflow: the last two digits matter to nobody.
    return total > 1 << 50 ? done / (total / 100) : done * 100 / total
  }

  static func duration(_ seconds: Int64) -> String {
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if seconds >= 3_600 { return "\(seconds / 3_600):\(two(seconds / 60 % 60)):\(two(seconds % 60))" }
    return "\(seconds / 60):\(two(seconds % 60))"
  }
}

/// Keeps the bar of one transfer, with the rate since it was begun or gone on with.
public struct ProgressMeter: Sendable {
  public private(set) var bar: ProgressBar
  private let began: ContinuousClock.Instant
  private let first: Int64

  /// `done`: bytes that were there already.
  public init(name: String, done: Int64, total: Int64?, now: ContinuousClock.Instant) {
    bar = ProgressBar(name: name, done: done, total: total)
    began = now
    first = max(0, done)
  }

  public mutating func update(done: Int64, total: Int64?, now: ContinuousClock.Instant) {
    let done = max(0, done)
    bar.done = done
    bar.total = total
    let elapsed = (now - began).components
    let milliseconds = elapsed.seconds * 1_000 + elapsed.attoseconds / 1_000_000_000_000_000
    let moved = done - first
    // Sooner it is chance.
    guard milliseconds > 300, moved > 0 else { return }
    let (whole, overflows) = (moved / milliseconds).multipliedReportingOverflow(by: 1_000)
    bar.rate = overflows ? .max / 2 : whole + moved % milliseconds * 1_000 / milliseconds
  }
}
