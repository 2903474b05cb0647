import Glibc

/// What a terminal would show: as much of one as readline and the chat use (ECMA-48, and xterm's private modes 7 and
/// 2004), with lines that wrap and scroll away. What it doesn't know it reports, so that no test passes by chance.
public struct TerminalScreen: Sendable {
  struct Cell: Equatable, Sendable {
    /// Empty in the second half of a wide character.
    var text = " "
    var style = ""
  }

  public private(set) var columns: Int
  public private(set) var height: Int
  private var rows: [[Cell]]
  /// Rows that have scrolled away, the oldest first.
  public private(set) var scrolledAway: [String] = []
  /// From 0.
  public private(set) var row = 0
  public private(set) var column = 0
  public private(set) var bells = 0
  /// Titles that were set.
  public private(set) var titles: [String] = []
  /// Sequences that this model knows nothing of.
  public private(set) var unknown: [String] = []
  public private(set) var wrapsLines = true
  private var style = ""
  /// The last column was written to: the next character goes to the next row.
  private var isPending = false
  /// Rows whose text goes on in the next.
  private var wrapped: Set<Int> = []
  private var input: [UInt8] = []

  public init(columns: Int, height: Int) {
    self.columns = columns
    self.height = height
    rows = Array(repeating: Array(repeating: Cell(), count: columns), count: height)
  }

  // MARK: What is to be seen

  /// The rows of the screen without spaces at their ends, and without empty ones at the end.
  public var lines: [String] {
    var lines = rows.map { Self.text($0) }
    while lines.last == "" { lines.removeLast() }
    return lines
  }

  /// Also what has scrolled away.
  public var everything: [String] { scrolledAway + lines }

  /// The style in which a text is written on the screen, as the parameters of SGR; nil where the text isn't there, or is
  /// written in several.
  public func style(of text: String) -> String? {
    for row in rows {
      let cells = row.filter { !$0.text.isEmpty }
      let wanted = text.map(String.init)
      guard cells.count >= wanted.count else { continue }
      for start in 0...(cells.count - wanted.count) {
        let found = cells[start..<start + wanted.count]
        if found.map(\.text) == wanted { return Set(found.map(\.style)).count == 1 ? found[start].style : nil }
      }
    }
    return nil
  }

  private static func text(_ row: [Cell]) -> String {
    var text = row.map(\.text).joined()
    while text.last == " " { text.removeLast() }
    return text
  }

  /// As most terminals do it: lines that were wrapped are wrapped anew. With `reflows` false as xterm does it: rows are
  /// cut or filled up.
  public mutating func resize(columns new: Int, height newHeight: Int, reflows: Bool = true) {
    var lines: [[Cell]] = []
    var (cursorLine, cursorOffset) = (0, 0)
    for index in 0..<height {
      let continues = reflows && index > 0 && wrapped.contains(index - 1)
      if !continues { lines.append([]) }
      if index == row { (cursorLine, cursorOffset) = (lines.count - 1, lines[lines.count - 1].count + column) }
      var cells = rows[index]
      if !(reflows && wrapped.contains(index)) {
        while let last = cells.last, last == Cell() { cells.removeLast() }
      }
      lines[lines.count - 1] += cells
    }
    // Nothing stands below the cursor but what was written there.
    while lines.count > cursorLine + 1, lines.last == [] { lines.removeLast() }
    (columns, rows, wrapped) = (new, [], [])
    for (index, line) in lines.enumerated() {
      let pieces = reflows ? Self.pieces(line, new) : [Array(line.prefix(new))]
      if index == cursorLine {
        let offset = reflows ? min(cursorOffset / new, max(0, pieces.count - 1)) : 0
        (row, column) = (rows.count + offset, min(new - 1, reflows ? cursorOffset - offset * new : cursorOffset))
      }
      for (number, piece) in pieces.enumerated() {
        if number < pieces.count - 1 { wrapped.insert(rows.count) }
        rows.append(piece + Array(repeating: Cell(), count: new - piece.count))
      }
    }
    height = newHeight
    while rows.count > newHeight {
      scrolledAway.append(Self.text(rows.removeFirst()))
      row -= 1
      wrapped = Set(wrapped.map { $0 - 1 }.filter { $0 >= 0 })
    }
    while rows.count < newHeight { rows.append(Array(repeating: Cell(), count: columns)) }
    row = max(0, row)
    isPending = false
  }

  private static func pieces(_ line: [Cell], _ width: Int) -> [[Cell]] {
    var pieces: [[Cell]] = [[]]
    for (index, cell) in line.enumerated() {
      let isWide = index + 1 < line.count && line[index + 1].text.isEmpty
      if pieces[pieces.count - 1].count + (isWide ? 2 : 1) > width, !cell.text.isEmpty { pieces.append([]) }
      pieces[pieces.count - 1].append(cell)
    }
    return pieces
  }

  // MARK: What is written

  public mutating func write(_ bytes: some Sequence<UInt8>) {
    input += bytes
    var index = 0
    while index < input.count, let length = take(at: index) { index += length }
    input.removeFirst(index)
  }

  /// The length of what begins there; nil where its end hasn't come yet.
  private mutating func take(at index: Int) -> Int? {
    let byte = input[index]
    if byte == 0x1b { return escape(at: index) }
    if byte < 0x20 || byte == 0x7f {
      control(byte)
      return 1
    }
    let length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    guard index + length <= input.count else { return nil }
    for scalar in String(decoding: input[index..<index + length], as: UTF8.self).unicodeScalars { put(scalar) }
    return length
  }

  private mutating func control(_ byte: UInt8) {
    switch byte {
    case 0x07: bells += 1
    case 0x08:
      column = max(0, column - 1)
      isPending = false
    case 0x09:
      column = min(columns - 1, (column / 8 + 1) * 8)
    case 0x0a: lineFeed()
    case 0x0d:
      column = 0
      isPending = false
    default: unknown.append("control \(byte)")
    }
  }

  private mutating func lineFeed() {
    isPending = false
    if row == height - 1 { scroll() } else { row += 1 }
  }

  private mutating func scroll() {
    scrolledAway.append(Self.text(rows.removeFirst()))
    rows.append(Array(repeating: Cell(), count: columns))
    wrapped = Set(wrapped.map { $0 - 1 }.filter { $0 >= 0 })
  }

  private mutating func put(_ scalar: Unicode.Scalar) {
    let width = Self.width(scalar)
    if width == 0 {
      // Belongs to what stands before it.
      var place = isPending ? column : column - 1
      while place > 0, rows[row][place].text.isEmpty { place -= 1 }
      if place >= 0 { rows[row][place].text.unicodeScalars.append(scalar) }
      return
    }
    if isPending || column + width > columns {
      if wrapsLines {
        wrapped.insert(row)
        column = 0
        lineFeed()
      } else {
        column = columns - width
      }
      isPending = false
    }
    rows[row][column] = Cell(text: String(Character(scalar)), style: style)
    if width == 2 { rows[row][column + 1] = Cell(text: "", style: style) }
    if column + width >= columns {
      column = columns - 1
      isPending = true
    } else {
      column += width
    }
  }

  // MARK: Sequences

  private mutating func escape(at index: Int) -> Int? {
    guard index + 1 < input.count else { return nil }
    switch input[index + 1] {
    case UInt8(ascii: "["): return controlSequence(at: index)
    case UInt8(ascii: "]"): return operatingSystemCommand(at: index)
    case UInt8(ascii: "="), UInt8(ascii: ">"): return 2
    default:
      unknown.append("ESC \(input[index + 1])")
      return 2
    }
  }

  private mutating func operatingSystemCommand(at index: Int) -> Int? {
    guard let end = input[index...].firstIndex(where: { $0 == 0x07 }) else { return nil }
    titles.append(String(decoding: input[index + 2..<end], as: UTF8.self))
    return end - index + 1
  }

  private mutating func controlSequence(at index: Int) -> Int? {
    var end = index + 2
    while end < input.count, !(0x40...0x7e ~= input[end]) { end += 1 }
    guard end < input.count else { return nil }
    let text = String(decoding: input[index + 2..<end], as: UTF8.self)
    let number = Int(text) ?? 1
    isPending = isPending && input[end] == UInt8(ascii: "m")
    switch (UnicodeScalar(input[end]), text) {
    case ("A", _): row = max(0, row - max(1, number))
    case ("B", _): row = min(height - 1, row + max(1, number))
    case ("C", _): column = min(columns - 1, column + max(1, number))
    case ("D", _): column = max(0, column - max(1, number))
    case ("G", _): column = min(columns, max(1, number)) - 1
    case ("H", ""): (row, column) = (0, 0)
    case ("J", ""), ("J", "0"):
      clear(row, column..<columns)
      for below in row + 1..<max(row + 1, height) { clear(below, 0..<columns) }
    case ("J", "2"), ("J", "3"): for each in 0..<height { clear(each, 0..<columns) }
    case ("K", ""), ("K", "0"): clear(row, column..<columns)
    case ("P", _):
      rows[row].removeSubrange(column..<min(columns, column + number))
      rows[row] += Array(repeating: Cell(), count: columns - rows[row].count)
    case ("@", _):
      rows[row].insert(contentsOf: Array(repeating: Cell(), count: number), at: column)
      rows[row].removeLast(number)
    case ("m", _): style = text == "0" ? "" : text
    case ("h", "?7"): wrapsLines = true
    case ("l", "?7"): wrapsLines = false
    case ("h", "?2004"), ("l", "?2004"), ("h", "?1034"): break
    default: unknown.append("CSI \(text)\(Character(UnicodeScalar(input[end])))")
    }
    return end - index + 1
  }

  private mutating func clear(_ row: Int, _ range: Range<Int>) {
    for column in range { rows[row][column] = Cell() }
    if range.upperBound == columns { wrapped.remove(row) }
  }

  /// As the C library says it, which most terminals follow.
  private static func width(_ scalar: Unicode.Scalar) -> Int {
    uselocale(locale)
    return max(0, Int(wideCharacterColumns(of: Int32(scalar.value))))
  }

  nonisolated(unsafe) private static let locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
}

/// <wchar.h> shows it only with _XOPEN_SOURCE.
@_silgen_name("wcwidth") private func wideCharacterColumns(of character: Int32) -> Int32
