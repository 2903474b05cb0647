import DequeModule
import QQJournal
import QQProtocol

/// What a store's answer is for.
enum Question: Sendable {
  case catchUp(session: SessionID, after: Seq)
  case locate(session: SessionID, Timestamp)
  case locateHistory(session: SessionID, Timestamp, ClientFrame.HistoryRequest)
  case history(session: SessionID, ClientFrame.HistoryRequest, floor: Seq)

  var session: SessionID {
    switch self {
    case .catchUp(let id, _), .locate(let id, _), .locateHistory(let id, _, _), .history(let id, _, _): id
    }
  }

  /// What the session says behind it waits for the answer.
  var holdsSession: Bool {
    switch self {
    case .catchUp, .locate: false
    case .locateHistory, .history: true
    }
  }
}

/// Questions that the store has yet to be asked. It gets a few at a time, from the users in turn: who asks a thousand
/// things waits for a thousand answers, and others for a few. What a question needs, such as what a user may read, is
/// worked out only when it is asked, so that one that waits is small.
struct StoreQueue: Sendable {
  private var waiting: [UserID: Deque<Question>] = [:]
  private var turns: Deque<UserID> = []
  private var underWay = 0
  private(set) var count = 0

  private static let atOnce = 8

  mutating func append(_ question: Question, of user: UserID) {
    count += 1
    if waiting[user] == nil { turns.append(user) }
    waiting[user, default: []].append(question)
  }

  /// The next one to ask; nil where none waits, or enough are under way.
  mutating func next() -> Question? {
    guard underWay < Self.atOnce, let user = turns.popFirst(), let question = waiting[user]?.popFirst() else {
      return nil
    }
    if waiting[user]?.isEmpty == true { waiting[user] = nil } else { turns.append(user) }
    count -= 1
    return question
  }

  mutating func asked() { underWay += 1 }
  mutating func answered() { underWay -= 1 }
}
