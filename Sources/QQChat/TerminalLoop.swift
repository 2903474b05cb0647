import CReadline
import Glibc
import QQClient
import QQProtocol

/// The thread that owns the terminal: it gives keys to readline and writes what waits in between, a screenful at a time,
/// so that typing never waits for long.
final class TerminalLoop {
  private let front: TerminalFront
  private let settings: TerminalFront.Settings
  private let completion: (String) -> Completion
  private let input: AsyncStream<ChatInputEvent>.Continuation
  private var prompt: String
  private var nick: String
  private var renderer: ChatRenderer
  private var screen: Screen
  private var history: LineHistory
  private var isOver = false
  /// Nothing that is written is seen any more.
  private var isGone = false
  /// Whoever waits for the end.
  private var stopped: CheckedContinuation<Void, Never>?
  /// How the candidates of the last completion are listed.
  private var labels: [String: String] = [:]
  /// Nothing more will be typed.
  private var isEnded = false
  /// Ctrl-C on an empty line, and nothing since.
  private var isLeaving = false
  /// While it is taken from the screen: the rows that the line took.
  private var hiddenRows: Int?

  /// Rows written before keys are looked at again.
  private static let slice = 64
  private static let stop = "Ctrl-C again, Ctrl-D or /quit leaves"

  /// Readline is one for the whole process, and its functions have no context. Set, read and reset on the one thread that
  /// runs the loop, from which alone readline is called.
  nonisolated(unsafe) private static var current: TerminalLoop?

  init(
    _ front: TerminalFront, _ settings: TerminalFront.Settings, _ completion: @escaping (String) -> Completion,
    _ input: AsyncStream<ChatInputEvent>.Continuation, prompt: String, nick: String
  ) {
    self.front = front
    self.settings = settings
    self.completion = completion
    self.input = input
    self.prompt = prompt
    self.nick = nick
    renderer = ChatRenderer(usesColor: settings.usesColor)
    let size = Self.size
    screen = Screen(columns: size.columns, height: size.rows, isDumb: settings.isDumb)
    history = LineHistory(directory: settings.historyDirectory, hub: settings.hub)
  }

  func run() {
    Self.current = self
    defer { Self.current = nil }
    qq_use_utf8()
    for entry in history.load() { qq_line_add_history(entry) }
    qq_line_begin(
      shownPrompt, Int32(promptColumns),
      qq_line_handlers(
        line: { text in TerminalLoop.current?.typed(text.map { String(cString: $0) }) },
        complete: { before in if let before { TerminalLoop.current?.complete(String(cString: before)) } },
        list: { candidates, count in TerminalLoop.current?.list(candidates, count) },
        cleared: { TerminalLoop.current?.screen.forgetPlaces() }),
      Int32(LineHistory.most), settings.isDumb ? 1 : 0)
    while !isOver { turn() }
    qq_line_end()
    // Only now: the program may end at once.
    stopped?.resume()
  }

  private func turn() {
    let canWrite = qq_line_is_occupied() == 0
    var descriptors = [
      pollfd(fd: isEnded ? -1 : 0, events: Int16(POLLIN), revents: 0),
      pollfd(fd: front.wakeDescriptor, events: Int16(POLLIN), revents: 0),
    ]
    // What is typed comes first; what waits, comes when nothing is typed.
    guard poll(&descriptors, 2, canWrite && front.isWaiting ? 0 : -1) >= 0 || errno == EINTR else { return leave() }
    if descriptors[1].revents != 0 { drain() }
    if descriptors[0].revents != 0 {
      isLeaving = false
      qq_line_read()
      screen.lineIs(Int(qq_line_rows(Int32(screen.columns))))
      if descriptors[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
        isEnded = true
        leave()
      }
    }
    if isOver { return }
    if qq_line_is_occupied() == 0 { write() } else { urgent() }
  }

  private func drain() {
    var bytes = [UInt8](repeating: 0, count: 256)
    while read(front.wakeDescriptor, &bytes, bytes.count) > 0 {}
  }

  private func leave() {
    isOver = true
    input.yield(.end)
  }

  // MARK: What readline says

  private func typed(_ line: String?) {
    guard let line else {
      input.yield(.end)
      return
    }
    if !line.allSatisfy(\.isWhitespace) {
      qq_line_add_history(line)
      history.add(line)
    }
    input.yield(.line(line))
  }

  private func complete(_ before: String) {
    labels = [:]
    for candidate in completion(before).candidates {
      labels[candidate.line] = candidate.label
      qq_line_candidate(candidate.line)
    }
  }

  /// What may be meant is shown above the line.
  private func list(_ candidates: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) {
    guard let candidates else { return }
    let lines = (0..<count).compactMap { candidates[$0].map { String(cString: $0) } }
    hiddenRows = Int(qq_line_rows(Int32(screen.columns)))
    put(screen.compose(Labels.rows(lines.map { labels[$0] ?? $0 }, width: screen.width).map { ChatRenderer.Row($0) }))
    hiddenRows = nil
  }

  // MARK: Writing

  /// A slice of what waits.
  private func write() {
    // The signal may still be on its way.
    let size = Self.size
    if size.columns != screen.columns || size.rows != screen.height { resize() }
    var text = ""
    var rows: [ChatRenderer.Row] = []
    var count = 0
    var done: [CheckedContinuation<Bool, Never>] = []
    var rings = false
    func flushRows() {
      guard !rows.isEmpty else { return }
      text += screen.compose(rows)
      rows = []
    }
    while count < Self.slice, let update = front.next() {
      switch update {
      case .item(.marked(let line)):
        hide()
        flushRows()
        text += remark(line)
        count += 1
      case .item(let item):
        if settings.isDumb, case .own = item { continue }
        hide()
        let new = renderer.rows(item, nick: nick, width: screen.width)
        rows += new
        count += new.count
      case .ring: rings = settings.rings
      case .bar(let key, let bar):
        hide()
        flushRows()
        screen.setBar(key, bar)
        text += screen.compose([])
      case .prompt(let new):
        hide()
        prompt = new
        qq_line_set_prompt(shownPrompt, Int32(promptColumns))
      case .nick(let new): nick = new
      case .interrupt, .resize, .suspend:
        flushRows()
        put(text)
        text = ""
        show()
        act(on: update)
      case .shown(let waiter): done.append(waiter)
      case .stop(let waiter):
        hide()
        flushRows()
        isOver = true
        stopped = waiter
      }
      if isOver { break }
    }
    flushRows()
    put(text + (rings ? "\u{7}" : ""))
    if isOver, screen.hasBars { put(screen.withoutBars()) }
    if !isOver { show() }
    done.forEach { $0.resume(returning: !isGone) }
  }

  private func hide() {
    guard hiddenRows == nil else { return }
    hiddenRows = Int(qq_line_rows(Int32(screen.columns)))
    qq_line_hide()
  }

  private func show() {
    if hiddenRows != nil { qq_line_show() }
    hiddenRows = nil
  }

  private func remark(_ line: OwnLine) -> String {
    let isLast = line.state == .delivered || line.state == .refused
    let mark = renderer.paintedMark(line.state)
    if let text = screen.remark(line.message.id, mark, isLast: isLast, lineRows: hiddenRows ?? 1) { return text }
    if case .waiting = line.state { return "" }
    return screen.compose(renderer.farMark(line, width: screen.width))
  }

  private func put(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes = bytes.dropFirst(count)
      } else if errno == EAGAIN {
        var state = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
        poll(&state, 1, -1)
      } else if errno != EINTR {
        // The terminal has gone.
        isGone = true
        return leave()
      }
    }
  }

  // MARK: Signals

  /// What can't wait until a search or a list is over. Whatever else waits stays where it is.
  private func urgent() {
    while let update = front.nextUrgent() { act(on: update) }
    guard front.isStopping else { return }
    _ = qq_line_clear()
    write()
  }

  /// The line is on the screen.
  private func act(on update: TerminalFront.Update) {
    switch update {
    case .interrupt: interrupt()
    case .resize: resize()
    case .suspend: suspend()
    default: break
    }
  }

  private func interrupt() {
    if qq_line_clear() != 0 {
      isLeaving = false
    } else if isLeaving {
      input.yield(.end)
    } else {
      isLeaving = true
      hide()
      put(screen.compose(renderer.rows(.note(Self.stop), nick: nick, width: screen.width)))
      show()
    }
  }

  private func resize() {
    let size = Self.size
    if settings.isDumb {
      qq_line_hide()
    } else {
      qq_line_hide_after_resize(
        Int32(screen.drawnBars), Int32(screen.barWidth), Int32(size.rows), Int32(size.columns))
    }
    redraw(size)
    qq_line_show()
  }

  private func suspend() {
    qq_line_suspend()
    // To this thread: of a signal to the process another might be stopped first, and this one go on for a while.
    pthread_kill(pthread_self(), SIGSTOP)
    redraw(Self.size)
    qq_line_resume()
  }

  /// The bars are drawn where the cursor is.
  private func redraw(_ size: (rows: Int, columns: Int)) {
    screen.resized(columns: size.columns, height: size.rows)
    put(screen.compose([]))
    // A search has another one, and brings this one back.
    if qq_line_is_occupied() == 0 { qq_line_set_prompt(shownPrompt, Int32(promptColumns)) }
  }

  // MARK: The terminal

  private var shownPrompt: String {
    let text = Columns.cut(TextSafety.visible(prompt), max(4, screen.columns / 2)).text
    // Readline is told what takes no room.
    return settings.usesColor ? "\u{1}\u{1b}[1m\u{2}\(text)\u{1}\u{1b}[0m\u{2}" : text
  }

  private var promptColumns: Int { Columns.cut(TextSafety.visible(prompt), max(4, screen.columns / 2)).columns }

  private static var size: (rows: Int, columns: Int) {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (24, 80) }
    return (Int(size.ws_row), Int(size.ws_col))
  }
}
