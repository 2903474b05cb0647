import QQClient
import QQProtocol
import Synchronization

/// Runs a chat: what the hub says and what is typed go through the model, and what it decides is done here.
public final class ChatSession: Sendable {
  /// How it ended.
  public struct Outcome: Sendable {
    /// What the hub hasn't confirmed.
    public var unsent: [OutgoingMessage] = []
    /// Files that were on their way.
    public var unfinished: [String] = []
    /// The first thing that was typed and came to nothing.
    public var fault: ChatFault?
    /// There is nobody to chat with.
    public var refusal: HubFrame.Failure?
    /// It was told to end.
    public var isTerminated = false
  }

  struct State: Sendable {
    var model: ChatModel
    var outcome = Outcome()
    /// Questions about history that are on their way.
    var questions = 0
    var isStarted = false
    /// What went wrong beside the reading and the typing.
    var failure: (any Error)?
    /// Whoever is asked whether to leave files unfinished has been asked.
    var hasWarned = false
    /// Counts what happens, for whoever waits for something.
    var steps = 0
  }

  let services: ChatServices
  let state: Mutex<State>
  private let reader: Reader
  /// Milliseconds without anything happening, when what was typed without a terminal is still to be answered.
  private let patience: Int64
  /// What is typed, once the hub has been reached.
  private let started = AsyncStream.makeStream(of: AsyncStream<ChatInputEvent>.self)
  private let terminated = AsyncStream.makeStream(of: Void.self)
  /// Both are set once, before anything else happens.
  private let parts = Mutex(
    (front: nil as (any ChatFront)?, conversation: nil as Conversation?, transfers: nil as ChatTransfers?))

  /// For a person who leaves: milliseconds that are waited for what is on its way.
  private static let farewell: Int64 = 2_000

  public init(_ model: ChatModel, _ services: ChatServices, reader: Reader, patience: Int64) {
    self.services = services
    self.reader = reader
    self.patience = patience
    state = Mutex(State(model: model))
  }

  /// What Tab gives.
  public func completion(_ before: String) -> Completion {
    state.withLock { $0.model }.completion(before) { Paths.entries(of: $0) }
  }

  /// Ctrl-C: ends the transfer that was begun last; false where there is none.
  public func cancelTransfer() -> Bool {
    parts.withLock { $0.transfers }?.cancelLast() ?? false
  }

  /// What it came to so far.
  public var outcome: Outcome { state.withLock(\.outcome) }

  /// Leaves, whatever is on its way.
  public func terminate() {
    state.withLock { $0.outcome.isTerminated = true }
    terminated.continuation.yield()
  }

  /// Returns when the chat was left; throws where it can't go on.
  public func run(_ front: any ChatFront) async throws -> Outcome {
    let conversation = Conversation(try services.link(), reader: reader) { try await self.take($0) }
    let transfers = ChatTransfers(services, front) { await self.transferred($0) }
    parts.withLock { $0 = (front, conversation, transfers) }
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await conversation.run() }
        group.addTask { try await self.readInput(front, conversation, transfers) }
        group.addTask {
          for await _ in self.terminated.stream { return await self.leave(front, conversation) }
        }
        try await group.next()
        group.cancelAll()
      }
    } catch {
      await end(front, transfers)
      let unsent = await conversation.unstored
      state.withLock { $0.outcome.unsent = unsent }
      throw ChatFailure(error: error, outcome: state.withLock { $0.outcome })
    }
    await end(front, transfers)
    let (outcome, failure) = state.withLock { ($0.outcome, $0.failure) }
    if let failure { throw ChatFailure(error: failure, outcome: outcome) }
    return outcome
  }

  private func end(_ front: any ChatFront, _ transfers: ChatTransfers) async {
    let unfinished = transfers.names
    state.withLock { $0.outcome.unfinished = unfinished }
    await transfers.cancelAll()
    await front.stop()
  }

  // MARK: From the hub

  private func take(_ events: [Conversation.Event]) async throws {
    let now = services.now()
    let (effects, starts) = state.withLock { state in
      state.steps += 1
      let effects = events.flatMap { state.model.received($0, now: now) }
      defer { state.isStarted = true }
      return (effects, !state.isStarted)
    }
    if starts { try start() }
    let seen = try await perform(effects)
    guard let (front, conversation, _) = all, !effects.isEmpty else { return }
    let isShown = await front.shown()
    if isShown, let seen { await conversation.processed(seen) }
  }

  private func start() throws {
    guard let (front, _, _) = all else { return }
    let (prompt, nick) = state.withLock { ($0.model.prompt, $0.model.nick) }
    started.continuation.yield(try front.start(prompt: prompt, nick: nick))
  }

  private var all: (front: any ChatFront, conversation: Conversation, transfers: ChatTransfers)? {
    parts.withLock { parts in
      guard let front = parts.front, let conversation = parts.conversation, let transfers = parts.transfers else {
        return nil
      }
      return (front, conversation, transfers)
    }
  }

  // MARK: From the user

  private func readInput(
    _ front: any ChatFront, _ conversation: Conversation, _ transfers: ChatTransfers
  ) async throws {
    guard let input = await started.stream.first(where: { _ in true }) else { return }
    for await event in input {
      switch event {
      case .line(let line):
        // A person's command mayn't wait behind what the hub doesn't take.
        var hasRoom = true
        if !front.isInteractive || ChatInput(line).isMessage { hasRoom = try await self.hasRoom(front, conversation) }
        guard hasRoom else {
          if front.isInteractive { continue }
          return await leave(front, conversation)
        }
        let effects = state.withLock { state in
          state.steps += 1
          state.hasWarned = state.hasWarned && ChatInput(line) == .quit
          return state.model.typed(line, id: services.newID(), now: services.now())
        }
        _ = try await perform(effects)
        guard effects.contains(.leave) else { continue }
      case .end: break
      case .failed(let fault): state.withLock { $0.outcome.fault = $0.outcome.fault ?? fault }
      }
      if try await mayLeave(front, transfers) { break }
    }
    try await waitForRest(front, conversation, transfers)
    await leave(front, conversation)
  }

  /// What waits for the hub is bounded: a person is told, a pipe isn't read on.
  private func hasRoom(_ front: any ChatFront, _ conversation: Conversation) async throws -> Bool {
    guard await conversation.isFull else { return true }
    guard !front.isInteractive else {
      try front.show(
        [.problem("too much waits for the hub already: this line isn't sent, Ctrl-P brings it back")], ring: false)
      return false
    }
    let isStill = try await stillness { await !conversation.isFull }
    if isStill { state.withLock { $0.outcome.fault = $0.outcome.fault ?? .silence } }
    return !isStill
  }

  /// Whoever leaves a transfer behind is told once.
  private func mayLeave(_ front: any ChatFront, _ transfers: ChatTransfers) async throws -> Bool {
    guard front.isInteractive, !transfers.isEmpty else { return true }
    let isAsked = state.withLock { state in
      defer { state.hasWarned = true }
      return state.hasWarned
    }
    guard !isAsked else { return true }
    let names = transfers.names.map { "\"\($0)\"" }.joined(separator: ", ")
    try front.show([.note("\(names) is on its way: once more leaves it unfinished")], ring: false)
    return false
  }

  /// A person doesn't wait long; what was piped in is waited for as long as anything happens.
  private func waitForRest(
    _ front: any ChatFront, _ conversation: Conversation, _ transfers: ChatTransfers
  ) async throws {
    guard front.isInteractive else {
      let isStill = try await stillness {
        let isSettled = self.state.withLock { $0.questions == 0 && $0.model.isSettled }
        return await conversation.unstored.isEmpty && isSettled && transfers.isEmpty
      }
      if isStill { state.withLock { $0.outcome.fault = $0.outcome.fault ?? .silence } }
      return
    }
    let end = ContinuousClock.now + .milliseconds(Self.farewell)
    while ContinuousClock.now < end, state.withLock({ $0.model.isConnected }), await !conversation.unstored.isEmpty {
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Returns false once `isOver`, true where nothing has happened for as long as is waited.
  private func stillness(_ isOver: @Sendable () async -> Bool) async throws -> Bool {
    var (steps, since) = (-1, ContinuousClock.now)
    while await !isOver() {
      let now = state.withLock { $0.steps } + (parts.withLock { $0.transfers }?.steps ?? 0)
      if now != steps { (steps, since) = (now, .now) }
      if ContinuousClock.now - since > .milliseconds(patience) { return true }
      try await Task.sleep(for: .milliseconds(5))
    }
    return false
  }

  private func leave(_ front: any ChatFront, _ conversation: Conversation) async {
    let unsent = await conversation.unstored
    state.withLock { $0.outcome.unsent = unsent }
    // While a search holds the screen whoever reads from the hub waits for it.
    await front.stop()
    await conversation.end()
  }

  // MARK: Doing

  /// Gives the newest seq of what is to be shown.
  func perform(_ effects: [ChatEffect]) async throws -> Int64? {
    guard let (front, conversation, transfers) = all else { return nil }
    var items: [ChatItem] = []
    var rings = false
    var seen: Int64?
    func flush() throws {
      if !items.isEmpty || rings { try front.show(items, ring: rings) }
      items = []
      rings = false
    }
    for effect in effects {
      if case .show(let item) = effect {
        items.append(item)
        if let seq = item.seq { seen = max(seen ?? 0, seq) }
        continue
      }
      if effect == .ring {
        rings = true
        continue
      }
      if case .passed(let seq) = effect {
        seen = max(seen ?? 0, seq)
        continue
      }
      try flush()
      switch effect {
      case .show, .ring, .passed, .leave: break
      case .prompt(let prompt): front.setPrompt(prompt)
      case .send(let message): await conversation.submit(message)
      // A connection that is lost is told by itself, and so is what it leaves unanswered.
      case .ask(let frame): _ = await conversation.ask(frame)
      case .history(let target, let count, let purpose): ask(target, count, purpose)
      case .upload(let path, let targets): transfers.upload(path, to: targets)
      case .download(let key, let name, let folder): transfers.download(key, name: name, into: folder)
      case .renamed(let nick):
        front.setNick(nick)
        do {
          try services.renamed(nick)
        } catch {
          try front.show([.problem(services.explain(error))], ring: false)
        }
      case .fault(let fault): state.withLock { $0.outcome.fault = $0.outcome.fault ?? fault }
      case .giveUp(let failure):
        state.withLock { $0.outcome.refusal = failure }
        terminated.continuation.yield()
      }
    }
    try flush()
    return seen
  }

  /// For whoever has nobody to throw at: the chat ends with what goes wrong.
  func performAlone(_ effects: [ChatEffect]) async {
    do {
      _ = try await perform(effects)
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
      terminated.continuation.yield()
    }
  }

  private func transferred(_ outcome: ChatTransfers.Outcome) async {
    state.withLock { $0.steps += 1 }
    let effects: [ChatEffect] =
      switch outcome {
      case .item(let item): [.show(item)]
      case .refused(let failure):
        [.show(.refused(ChatModel.forChat(failure))), .fault(.refused(code: failure.code))]
      case .failed(let text, let kind): [.show(.problem(text)), .fault(kind.map(ChatFault.file) ?? .transfer)]
      }
    await performAlone(effects)
  }
}

/// A chat that couldn't go on, and what it leaves behind.
public struct ChatFailure: Error {
  public var error: any Error
  public var outcome: ChatSession.Outcome
}
