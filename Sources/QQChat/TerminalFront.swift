import DequeModule
import Glibc
import QQClient
import QQProtocol
import Synchronization

/// A chat on a terminal: readline's line at the bottom, everything else above it. What is to be shown waits in a queue
/// for the one thread that owns the terminal.
public final class TerminalFront: ChatFront {
  public struct Settings: Sendable {
    public var usesColor: Bool
    /// The terminal can't move its cursor.
    public var isDumb: Bool
    public var rings: Bool
    /// Where histories of typed lines are kept, and the hub's name, which tells them apart.
    public var historyDirectory: String
    public var hub: String

    public init(usesColor: Bool, isDumb: Bool, rings: Bool, historyDirectory: String, hub: String) {
      self.usesColor = usesColor
      self.isDumb = isDumb
      self.rings = rings
      self.historyDirectory = historyDirectory
      self.hub = hub
    }
  }

  enum Update: Sendable {
    case item(ChatItem)
    case ring
    case prompt(String)
    case nick(String)
    case bar(Int, ProgressBar?)
    case interrupt
    case resize
    case suspend
    /// Everything before it is on the screen.
    case shown(CheckedContinuation<Bool, Never>)
    case stop(CheckedContinuation<Void, Never>)
  }

  private struct Queue: Sendable {
    var updates: Deque<Update> = []
    /// There is no thread yet, or no more.
    var isOver = true
  }

  public let isInteractive = true
  private let settings: Settings
  private let completion: @Sendable (String) -> Completion
  private let queue = Mutex(Queue())
  /// A byte in it rouses the thread.
  private let wake: (read: Int32, write: Int32)

  /// `completion`: what Tab gives for what stands before the cursor.
  public init(_ settings: Settings, completion: @escaping @Sendable (String) -> Completion) {
    self.settings = settings
    self.completion = completion
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    wake = (ends[0], ends[1])
  }

  deinit {
    close(wake.read)
    close(wake.write)
  }

  public func start(prompt: String, nick: String) throws -> AsyncStream<ChatInputEvent> {
    let (stream, input) = AsyncStream.makeStream(of: ChatInputEvent.self)
    queue.withLock { $0.isOver = false }
    Thread.detach { [self] in
      TerminalLoop(self, settings, completion, input, prompt: prompt, nick: nick).run()
      input.finish()
      end()
    }
    return stream
  }

  public func show(_ items: [ChatItem], ring: Bool) {
    put(items.map(Update.item) + (ring ? [.ring] : []))
  }

  public func shown() async -> Bool {
    await withCheckedContinuation { put([.shown($0)]) }
  }

  public func setPrompt(_ prompt: String) { put([.prompt(prompt)]) }
  public func setNick(_ nick: String) { put([.nick(nick)]) }
  public func progress(_ key: Int, _ bar: ProgressBar?) { put([.bar(key, bar)]) }

  /// Ctrl-C. False where nobody types yet, or any more.
  public func interrupt() -> Bool { put([.interrupt]) }
  /// The terminal has another size.
  public func resize() { put([.resize]) }
  /// Ctrl-Z. False as above.
  public func suspend() -> Bool { put([.suspend]) }

  public func stop() async {
    await withCheckedContinuation { put([.stop($0)]) }
  }

  // MARK: The queue

  /// False where nothing is shown any more.
  @discardableResult private func put(_ updates: [Update]) -> Bool {
    let isOver = queue.withLock { queue in
      if !queue.isOver { queue.updates.append(contentsOf: updates) }
      return queue.isOver
    }
    guard !isOver else {
      updates.forEach(Self.release)
      return false
    }
    var byte: UInt8 = 0
    _ = write(wake.write, &byte, 1)
    return true
  }

  /// The thread ends: nobody shall wait for it.
  private func end() {
    let left = queue.withLock { queue in
      queue.isOver = true
      defer { queue.updates = [] }
      return queue.updates
    }
    left.forEach(Self.release)
  }

  private static func release(_ update: Update) {
    switch update {
    case .shown(let waiter): waiter.resume(returning: false)
    case .stop(let waiter): waiter.resume()
    default: break
    }
  }

  func next() -> Update? { queue.withLock { $0.updates.popFirst() } }
  /// Takes what can't wait out of its turn.
  func nextUrgent() -> Update? {
    queue.withLock { queue in
      let place = queue.updates.firstIndex { update in
        switch update {
        case .interrupt, .resize, .suspend: true
        default: false
        }
      }
      return place.map { queue.updates.remove(at: $0) }
    }
  }

  /// Somebody waits for the end.
  var isStopping: Bool {
    queue.withLock { $0.updates.contains { if case .stop = $0 { true } else { false } } }
  }

  var isWaiting: Bool { queue.withLock { !$0.updates.isEmpty } }
  var wakeDescriptor: Int32 { wake.read }
}
