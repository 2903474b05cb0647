import QQProtocol

/// How candidates of a completion are listed: in columns, and only what tells them apart. Pure.
enum Labels {
  static let most = 100

  static func rows(_ labels: [String], width: Int) -> [String] {
    let shown = labels.prefix(most).map { TextSafety.visible($0) }
    let cell = (shown.map { Columns.width(of: $0) }.max() ?? 0) + 2
    let perRow = max(1, (width - ChatRenderer.gutter) / cell)
    var rows: [String] = []
    for start in stride(from: 0, to: shown.count, by: perRow) {
      let row = shown[start..<min(start + perRow, shown.count)].map { Columns.fitted($0, cell) }.joined()
      rows.append(
        String(repeating: " ", count: ChatRenderer.gutter) + Columns.cut(row, width - ChatRenderer.gutter).text)
    }
    if labels.count > most { rows.append("         … and \(labels.count - most) more") }
    return rows
  }
}
