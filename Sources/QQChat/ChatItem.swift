import QQClient
import QQProtocol

/// What the chat shows, before anybody decides what it looks like.
public enum ChatItem: Equatable, Sendable {
  case message(HubFrame.Message, ChatStyle)
  /// A message that was typed here.
  case own(OwnLine)
  /// It has come further.
  case marked(OwnLine)
  /// A file was offered; `number` stands for its id.
  case offer(HubFrame.File, number: Int, ChatStyle)
  case complete(HubFrame.Complete)
  case presence(HubFrame.Presence)
  case gap(from: Int64, through: Int64)
  /// So many things that weren't read come next; `more`: and others.
  case unread(Int, more: Bool)
  /// What `/history` shows comes next.
  case heading(String)
  case user(HubFrame.User)
  /// Who is online, at the beginning.
  case online([String])
  /// What was asked for is done.
  case done(Deed)
  case saved(SavedFile)
  /// The hub's answers, where every one is told by itself.
  case sent(HubFrame.Sent)
  case receipt(HubFrame.Receipt)
  case refused(HubFrame.Failure)
  case help
  /// What is worth knowing.
  case note(String)
  /// What went wrong.
  case problem(String)

  /// The place in the journal, for what has one and comes to be read.
  var seq: Int64? {
    switch self {
    case .message(let message, _): message.seq
    case .offer(let file, _, _): file.seq
    case .complete(let complete): complete.seq
    case .gap(_, let through): through
    default: nil
    }
  }

  /// A message or a file of the user's own.
  var isOwnMessage: Bool {
    switch self {
    case .message(_, let style), .offer(_, _, let style): style.isOwn
    default: false
    }
  }

  /// Counts as one of the unread.
  var isToRead: Bool {
    switch self {
    case .message(_, let style), .offer(_, _, let style): !style.isOwn
    default: false
    }
  }
}

/// How a message differs from the others.
public struct ChatStyle: Equatable, Sendable {
  /// It was said to this user, or by them, and not to a group.
  public var isPrivate = false
  public var isOwn = false
  public var mentionsUser = false
  /// It goes elsewhere than what is typed next.
  public var showsTarget = true
}

/// A message that was typed here, and what became of it.
public struct OwnLine: Equatable, Sendable {
  public enum State: Equatable, Sendable {
    /// Not confirmed yet. `queued`: there is no connection now.
    case waiting(queued: Bool)
    case stored
    /// Everybody it was sent to has it.
    case delivered
    case refused
  }

  public var message: OutgoingMessage
  public var from: String
  public var time: Timestamp
  public var state: State
  public var style: ChatStyle
  /// Targets that haven't been answered for.
  var unanswered: Set<String>
  var isStoredForSome = false
}

/// What a line that was typed without a terminal came to, for the exit status.
public enum ChatFault: Equatable, Sendable {
  case usage
  /// It is no text.
  case data
  case refused(code: String)
  case file(FileError.Kind)
  /// A file that didn't come or go for another reason, or a question: the hub wasn't there.
  case transfer
  /// The hub took nothing for too long.
  case silence
}
