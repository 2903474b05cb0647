import QQProtocol

/// What to write to the terminal so that new rows stand above the line that is being typed, the bars of transfers
/// between them and it, and the marks of own messages change where they stand. Pure: it is told when the line is out of
/// the way, with the cursor where its prompt began.
///
///     …rows…
///     bars
///     prompt and line       readline's
struct Screen: Sendable {
  private struct Place: Sendable {
    var row: Int
    var id: MessageID
  }

  private(set) var columns: Int
  private(set) var height: Int
  /// The terminal can do no more than write rows.
  private let isDumb: Bool
  /// Rows written above the bars since the beginning.
  private var written = 0
  /// Where own messages stand whose marks may still change, in the order of their rows.
  private var places: [Place] = []
  private var bars: [(key: Int, bar: ProgressBar)] = []
  private(set) var drawnBars = 0

  /// The line was so many rows tall, and the prompt stands as high above the bottom until rows have come between.
  private var tallest = 1

  private static let mostPlaces = 256

  init(columns: Int, height: Int, isDumb: Bool) {
    self.columns = max(4, columns)
    self.height = max(2, height)
    self.isDumb = isDumb
  }

  /// Rows leave the last column free, in case a character is wider than was thought.
  var width: Int { columns - 1 }

  /// A bar that is no wider isn't wrapped by most windows that are made smaller.
  var barWidth: Int { min(width, 60) }

  /// Nothing is where it was.
  mutating func forgetPlaces() {
    places = []
    drawnBars = 0
  }

  mutating func resized(columns: Int, height: Int) {
    self.columns = max(4, columns)
    self.height = max(2, height)
    forgetPlaces()
  }

  /// What is typed takes so many rows now.
  mutating func lineIs(_ rows: Int) { tallest = max(tallest, rows) }

  /// Whether the bar has changed.
  mutating func setBar(_ key: Int, _ bar: ProgressBar?) {
    guard !isDumb else { return }
    if let place = bars.firstIndex(where: { $0.key == key }) {
      if let bar { bars[place].bar = bar } else { bars.remove(at: place) }
    } else if let bar {
      bars.append((key, bar))
    }
  }

  /// Changes the mark of an own message; nil where it is out of reach. `lineRows`: rows that the line took before it was
  /// taken away.
  mutating func remark(_ id: MessageID, _ mark: String, isLast: Bool, lineRows: Int) -> String? {
    guard !isDumb, let place = places.lastIndex(where: { $0.id == id }) else { return nil }
    let up = written - places[place].row + drawnBars
    guard up <= height - max(lineRows, tallest) else {
      places.remove(at: place)
      return nil
    }
    if isLast { places.remove(at: place) }
    return "\u{1b}[\(up)A\u{1b}[\(ChatRenderer.markColumn)G\(mark)\u{1b}[\(up)B\r"
  }

  /// Adds rows above the bars, and draws these anew.
  mutating func compose(_ rows: [ChatRenderer.Row]) -> String {
    if isDumb {
      return rows.reduce(into: "") { $0 += $1.text + "\r\n" }
    }
    var text = ""
    if drawnBars > 0 { text += "\u{1b}[\(drawnBars)A\r\u{1b}[J" }
    // What turns out wider than was thought is cut off by the terminal and can't begin a row.
    text += "\u{1b}[?7l"
    for row in rows {
      if let id = row.marks {
        places.append(Place(row: written, id: id))
        if places.count > Self.mostPlaces { places.removeFirst() }
      }
      text += row.text + "\r\n"
      written += 1
      tallest = max(1, tallest - 1)
    }
    // As many as leave room for what is typed.
    let shown = bars.suffix(max(1, height / 3))
    for bar in shown { text += bar.bar.line(width: barWidth) + "\r\n" }
    drawnBars = shown.count
    return text + "\u{1b}[?7h"
  }

  /// At the end: nothing is left of the bars.
  mutating func withoutBars() -> String {
    bars = []
    return compose([])
  }

  var hasBars: Bool { !bars.isEmpty || drawnBars > 0 }
}
