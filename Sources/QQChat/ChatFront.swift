import QQProtocol

/// What a person does at the front.
public enum ChatInputEvent: Sendable {
  case line(String)
  /// The end of input, or Ctrl-C twice.
  case end
  /// The input can't be read on.
  case failed(ChatFault)
}

/// Where a chat is shown, and where what is typed comes from.
public protocol ChatFront: Sendable {
  /// A person sits there.
  var isInteractive: Bool { get }

  /// Begins to read. Called once, when the hub has been reached.
  func start(prompt: String, nick: String) throws -> AsyncStream<ChatInputEvent>
  /// Items come in the order of the calls.
  func show(_ items: [ChatItem], ring: Bool) throws
  /// Returns when all that was to be shown is to be seen; false where it never will be.
  func shown() async -> Bool
  func setPrompt(_ prompt: String)
  /// The user is called so from here on.
  func setNick(_ nick: String)
  /// A transfer has come so far; nil where it is over.
  func progress(_ key: Int, _ bar: ProgressBar?)
  /// Shows what waits, and gives the terminal back.
  func stop() async
}
