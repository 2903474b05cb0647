import DequeModule
import QQJournal
import QQProtocol

/// The ids of messages that the store may not know yet when it looks one up.
struct RecentIDs: Sendable {
  struct Key: Hashable, Sendable {
    var sender: UserID
    var id: MessageID
  }

  private var entries: [Key: Earlier] = [:]
  private var order: Deque<(seq: Seq, key: Key)> = []

  subscript(sender: UserID, id: MessageID) -> Earlier? {
    entries[Key(sender: sender, id: id)]
  }

  mutating func insert(_ earlier: Earlier, sender: UserID, id: MessageID) {
    let key = Key(sender: sender, id: id)
    entries[key] = earlier
    order.append((earlier.seq, key))
  }

  /// Drops what the store's look-ups see by now.
  mutating func forget(through seq: Seq) {
    while let first = order.first, first.seq <= seq {
      order.removeFirst()
      if entries[first.key]?.seq == first.seq { entries[first.key] = nil }
    }
  }

  var count: Int { order.count }
}

/// A number for what the sender gave, to tell a retry from another message under the same id: FNV-1a, 64 bits
/// (http://www.isthe.com/chongo/tech/comp/fnv/). Its maker could only fool itself with a collision.
enum ContentDigest {
  static func of(_ message: MessageBody) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    func add(_ text: String) {
      var text = text
      text.withUTF8 { for byte in $0 { add(byte) } }
      // No UTF-8 has this byte, so parts can't run into each other.
      add(0xff)
    }
    for target in message.targets {
      switch target {
      case .nick(let nick): add(nick)
      case .group(let group):
        add(UInt8(ascii: "@"))
        add(group)
      case .address(let address, _): add(address)
      }
    }
    add(0xfe)
    add(message.text)
    if let reply = message.replyTo { add(reply.description) }
    switch message.attachment {
    case nil: break
    case .file(let info):
      add(0xfd)
      add(info.name)
      for number in [info.size, info.manifest, info.mode, info.modified?.milliseconds] {
        add(number?.description ?? "")
      }
    case .complete(let file, let size, let content):
      add(0xfc)
      add("\(file) \(size) \(content)")
    }
    return hash
  }
}
