import QQClient
import QQProtocol

/// What the chat looks like on a terminal: every item becomes rows that fit its width. Pure.
///
/// A row begins with the time, where it is another minute than before, and the mark of an own message; what a message
/// says never begins further left, so that nobody can write what looks like a row of somebody else's.
public struct ChatRenderer: Sendable {
  /// One row of the terminal, and the own message whose mark it carries.
  public struct Row: Equatable, Sendable {
    public var text: String
    public var marks: MessageID?

    init(_ text: String, marks: MessageID? = nil) {
      self.text = text
      self.marks = marks
    }
  }

  private let usesColor: Bool
  private let local: @Sendable (Timestamp) -> LocalTime
  private var lastMinute: LocalTime?
  private var lastDay: String?
  /// When files were offered: one that is complete at once needn't be told.
  private var offered: [MessageID: Timestamp] = [:]

  /// Columns before the text: the time, a space, a mark of two, a space.
  static let gutter = 9
  /// From 1, as terminals count.
  static let markColumn = 7

  public init(usesColor: Bool, local: @escaping @Sendable (Timestamp) -> LocalTime = { LocalTime($0) }) {
    self.usesColor = usesColor
    self.local = local
  }

  /// `nick`: the user's, which is made to stand out in what others say.
  public mutating func rows(_ item: ChatItem, nick: String, width: Int) -> [Row] {
    switch item {
    case .message(let message, let style):
      // To be seen without colours, too.
      let mark = style.isOwn ? Self.mark(.stored) : style.mentionsUser ? "> " : "  "
      return said(
        message.from, to: message.to, message.text, at: message.time, style, mark: mark, nick: nick, width: width)
    case .own(let line):
      let day = day(line.time, width)
      var rows = said(
        line.from, to: line.message.to, line.message.text, at: line.time, line.style, mark: Self.mark(line.state),
        nick: nick, width: width)
      rows[0].marks = line.message.id
      return day + rows
    case .marked: return []
    case .offer(let file, let number, let style):
      if offered.count > 1_000 { offered = [:] }
      offered[file.id] = file.time
      return offer(file, number, style, nick: nick, width: width)
    case .complete(let complete):
      guard let time = offered.removeValue(forKey: complete.id), complete.time - time > 5_000 else { return [] }
      return quiet("\(complete.name) from \(complete.from) is here whole", width)
    case .presence(let presence):
      return quiet("\(presence.nick) \(presence.online ? "is here" : "has left")", width)
    case .gap(let from, let through):
      return quiet("\(through - from + 1) records are kept no longer (\(from) to \(through))", width)
    case .unread(let count, let more):
      return heading("\(more ? "more than " : "")\(count) unread", width)
    case .heading(let text): return heading(text, width)
    case .user(let user): return self.user(user, width: width)
    case .online(let nicks):
      let names = nicks.prefix(20).joined(separator: ", ") + (nicks.count > 20 ? ", …" : "")
      return quiet("\(nicks.count) online: \(names)", width)
    case .done(let deed): return quiet(deed.text, width)
    case .note(let text): return quiet(text, width)
    case .saved(let saved): return quiet("saved \(saved.path ?? saved.info.name) from \(saved.from)", width)
    case .sent, .receipt: return []
    case .refused(let failure): return problem(failure.message, width)
    case .problem(let text): return problem(text, width)
    case .help: return help(width)
    }
  }

  /// What an own message's mark is about, where it can't be changed in its place any more.
  public func farMark(_ line: OwnLine, width: Int) -> [Row] {
    let text = line.message.text.split(separator: "\n").first.map(String.init) ?? ""
    let excerpt = Columns.cut(TextSafety.visible(text), 30)
    let isCut = excerpt.text.utf8.count < line.message.text.utf8.count
    let state =
      switch line.state {
      case .waiting(let queued): queued ? "waits for the hub" : "is on its way"
      case .stored: "stored"
      case .delivered: "delivered to \(line.message.to.joined(separator: ","))"
      case .refused: "refused"
      }
    return body(
      head: "      " + Self.mark(line.state) + " ", headColumns: Self.gutter,
      "\(state): \(excerpt.text)\(isCut ? "…" : "")",
      width, style: "2")
  }

  static func mark(_ state: OwnLine.State) -> String {
    switch state {
    case .waiting(let queued): queued ? "~~" : "~ "
    case .stored: "✓ "
    case .delivered: "✓✓"
    case .refused: "✗ "
    }
  }

  public func paintedMark(_ state: OwnLine.State) -> String {
    state == .refused ? paint(Self.mark(state), "31") : paint(Self.mark(state), "2")
  }

  // MARK: Messages

  private mutating func said(
    _ from: String, to: [String], _ text: String, at time: Timestamp, _ style: ChatStyle, mark: String, nick: String,
    width: Int
  ) -> [Row] {
    var rows = day(time, width)
    let target = style.showsTarget ? targetText(to, style, nick, width) : ""
    let name = Self.cut(TextSafety.visible(from), max(8, width - Self.gutter - Columns.width(of: target) - 4))
    let shown = style.mentionsUser ? paint(name, "1;7") : paintedName(from, name)
    let painted = style.isPrivate ? paint(target, "1;35") : paint(target, "2")
    rows += body(
      head: minute(time) + paint(mark, "2") + " " + shown + painted + ": ",
      headColumns: Self.gutter + Columns.width(of: name) + Columns.width(of: target) + 2, text, width,
      style: style.isPrivate ? "35" : nil, mentions: style.mentionsUser ? nick : nil, keepsLines: true)
    return rows
  }

  /// Private messages have another arrow than a group's, also without colours.
  private func targetText(_ to: [String], _ style: ChatStyle, _ nick: String, _ width: Int) -> String {
    let names = to.prefix(20).map {
      !style.isOwn && style.isPrivate && Roster.same($0, nick) ? "you" : TextSafety.visible($0)
    }
    let all = names.joined(separator: ",") + (to.count > 20 ? ",…" : "")
    return (style.isPrivate ? " ⇒ " : " → ") + Self.cut(all, max(8, width / 3))
  }

  /// Two that differ behind the cut shall not be taken for one.
  private static func cut(_ text: String, _ width: Int) -> String {
    Columns.width(of: text) <= width ? text : Columns.cut(text, width - 1).text + "…"
  }

  private mutating func offer(
    _ file: HubFrame.File, _ number: Int, _ style: ChatStyle, nick: String, width: Int
  ) -> [Row] {
    let size = file.info.size.map { ByteCount.text($0 - (file.info.manifest ?? 0)) } ?? "size unknown"
    let kind = file.info.isFolder ? "folder" : "file"
    // A name can't end the line, nor look like what follows it.
    let name = TextSafety.visible(file.info.name).replacing("\"", with: "\\\"")
    let command = style.isOwn ? "" : "  /get \(number)"
    return said(
      file.from, to: file.to, "\(kind) \"\(name)\" (\(size))\(command)", at: file.time, style,
      mark: style.isOwn ? Self.mark(.stored) : "  ", nick: nick, width: width)
  }

  private func user(_ user: HubFrame.User, width: Int) -> [Row] {
    let name = TextSafety.visible(user.nick)
    let groups = user.groups.filter { $0 != "@all" }.joined(separator: " ")
    let since = user.since.map { time in
      let local = local(time)
      return (user.online ? "since " : "last here ")
        + (local.date == lastDay ? local.clock : "\(local.date) \(local.clock)")
    }
    let parts = [user.address, since, groups.isEmpty ? nil : groups].compactMap { $0 }
    return body(
      head: "      " + (user.online ? "* " : "- ") + " " + paintedName(user.nick, name) + "  ",
      headColumns: Self.gutter + Columns.width(of: name) + 2, parts.joined(separator: "  "), width)
  }

  // MARK: Lines of the chat's own

  private func quiet(_ text: String, _ width: Int) -> [Row] {
    body(head: "      *  ", headColumns: Self.gutter, text, width, style: "2")
  }

  private func problem(_ text: String, _ width: Int) -> [Row] {
    body(head: "      " + paint("!", "1;31") + "  ", headColumns: Self.gutter, text, width)
  }

  private func heading(_ text: String, _ width: Int) -> [Row] {
    let shown = Columns.cut(TextSafety.visible(text), max(0, width - 8)).text
    return [Row(paint("── \(shown) ──", "2"))]
  }

  private func help(_ width: Int) -> [Row] {
    var rows: [Row] = []
    for command in ChatInput.commands {
      let usage = "/\(command.name)\(command.arguments.isEmpty ? "" : " " + command.arguments)"
      rows += body(
        head: "         " + paint(usage, "1") + "  ", headColumns: Self.gutter + usage.count + 2, command.does, width,
        continuation: "")
    }
    let more = [
      "//text sends /text. Tab completes names, commands and paths.",
      "Your lines: ~ on the way, ~~ waiting for the hub, ✓ stored, ✓✓ delivered, ✗ refused.",
      "Ctrl-C empties the line or ends a transfer; twice on an empty line it leaves.",
    ]
    return rows + more.flatMap { body(head: "         ", headColumns: Self.gutter, $0, width, continuation: "") }
  }

  // MARK: Time

  private mutating func day(_ time: Timestamp, _ width: Int) -> [Row] {
    let local = local(time)
    guard local.date != lastDay else { return [] }
    lastDay = local.date
    lastMinute = nil
    return heading(local.dateLine, width)
  }

  private mutating func minute(_ time: Timestamp) -> String {
    let local = local(time)
    guard local != lastMinute else { return "      " }
    lastMinute = local
    return paint(local.clock, "2") + " "
  }

  // MARK: Rows

  /// A text behind a head, in as many rows as it needs. Those after the first begin with `continuation`, which no nick
  /// can: whatever they say, it is not somebody else's. `keepsLines`: the text has lines of its own.
  private func body(
    head: String, headColumns: Int, _ text: String, _ width: Int, style: String? = nil, mentions nick: String? = nil,
    keepsLines: Bool = false, continuation: String = "| "
  ) -> [Row] {
    let gutter = width >= 2 * Self.gutter ? Self.gutter : 0
    let indent = String(repeating: " ", count: gutter) + paint(continuation, "2")
    let room = width - gutter - continuation.count
    var rows: [Row] = []
    func add(_ line: Substring) {
      rows += Columns.wrapped(line, room).map { Row(indent + painted($0, style, nick)) }
    }
    let lines = TextSafety.visible(text, keepNewlines: keepsLines).split(
      separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      guard index == 0 else {
        add(line)
        continue
      }
      // A word that is cut in two here, and needn't be in the next row, goes there whole.
      let word = Columns.width(of: line.prefix { $0 != " " })
      guard headColumns + 2 <= width, word <= width - headColumns || word > room else {
        rows.append(Row(head))
        add(line)
        continue
      }
      // The head takes from the first row what the indent takes from the others.
      let pieces = Columns.wrapped(line, width - headColumns)
      rows.append(Row(head + painted(pieces[0], style, nick)))
      if pieces.count > 1 { add(rest(of: line, after: pieces[0])) }
    }
    return rows
  }

  /// What follows the first row: it is laid out anew, since the others are wider.
  private func rest(of line: Substring, after first: String) -> Substring {
    var rest = line.dropFirst(first.count)
    if rest.first == " " { rest = rest.dropFirst() }
    return rest
  }

  private func painted(_ row: String, _ style: String?, _ nick: String?) -> String {
    guard usesColor else { return row }
    func plain(_ text: Substring) -> String { style.map { paint(String(text), $0) } ?? String(text) }
    guard let nick else { return plain(row[...]) }
    var result = ""
    var end = row.startIndex
    for range in Mention.ranges(in: row, of: nick) {
      result += plain(row[end..<range.lowerBound]) + paint(String(row[range]), "1;7")
      end = range.upperBound
    }
    return result + plain(row[end...])
  }

  private func paintedName(_ nick: String, _ text: String) -> String {
    usesColor ? NickColor.painted(nick, as: text) : text
  }

  private func paint(_ text: String, _ style: String) -> String {
    usesColor && !text.isEmpty ? "\u{1b}[\(style)m\(text)\u{1b}[0m" : text
  }
}
