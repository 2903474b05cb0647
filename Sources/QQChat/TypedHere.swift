import QQProtocol

/// The ids of what was typed in this chat: after a lost connection the hub gives it to the next one as to everybody else,
/// and it stands on the screen already. The newest are remembered, at least `kept` of them.
struct TypedHere: Sendable {
  private var newer: Set<MessageID> = []
  private var older: Set<MessageID> = []
  private let kept: Int

  init(keeping kept: Int = 10_000) {
    self.kept = kept
  }

  mutating func insert(_ id: MessageID) {
    if newer.count >= kept { (older, newer) = (newer, []) }
    newer.insert(id)
  }

  func contains(_ id: MessageID) -> Bool { newer.contains(id) || older.contains(id) }
}
