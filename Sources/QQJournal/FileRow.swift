import QQProtocol

/// A file that was offered and not discarded yet, as the projection keeps it.
public struct FileRow: Equatable, Sendable {
  /// Of the offer.
  public var seq: Seq
  public var time: Timestamp
  /// The offer, whose attachment says what the file is.
  public var offer: MessageBody
  /// Who was meant when it was offered, in the order of their numbers; nil is everybody who was a user then.
  public var audience: [UserID]?
  public var conversations: [Conversation]
  /// What the hub has; nil while bytes are missing.
  public var content: Content?
  /// Who has it, in the order of their numbers.
  public var saved: [UserID] = []

  public struct Content: Hashable, Sendable {
    public var size: Int64
    public var hash: TreeHash

    public init(size: Int64, hash: TreeHash) {
      self.size = size
      self.hash = hash
    }
  }

  public init(
    seq: Seq, time: Timestamp, offer: MessageBody, audience: [UserID]?, conversations: [Conversation],
    content: Content? = nil, saved: [UserID] = []
  ) {
    self.seq = seq
    self.time = time
    self.offer = offer
    self.audience = audience
    self.conversations = conversations
    self.content = content
    self.saved = saved
  }

  public var info: FileInfo {
    if case .file(let info)? = offer.attachment { return info }
    return FileInfo(name: "", size: nil)
  }
}

extension FileRow {
  private static let version: UInt8 = 1

  /// As a store keeps it.
  public var bytes: [UInt8] {
    var record: [UInt8] = []
    let origin = Origin(hub: 0, session: 0, ref: 0)
    RecordCodec.encode(Record(time: time, origin: origin, body: .message(offer)), into: &record)
    var writer = ByteWriter()
    writer.byte(Self.version)
    writer.number(seq)
    writer.blob(record)
    writer.byte(audience == nil ? 0 : 1)
    if let audience { Self.write(audience, to: &writer) }
    writer.number(UInt64(conversations.count))
    for conversation in conversations { conversation.write(to: &writer) }
    writer.byte(content == nil ? 0 : 1)
    if let content {
      writer.number(content.size)
      writer.blob(content.hash.digest.bytes)
    }
    Self.write(saved, to: &writer)
    return writer.bytes
  }

  public static func decode(_ bytes: Span<UInt8>) throws(ByteCodingError) -> FileRow {
    var reader = ByteReader(bytes)
    let version = try reader.byte()
    guard version == Self.version else { throw .version(version) }
    let seq = try reader.signed()
    let blob = try reader.blob()
    let record = try RecordCodec.decode(blob.span)
    guard case .message(let offer) = record.body else { throw .value }
    let audience = try reader.flag() ? try users(from: &reader) : nil
    var conversations: [Conversation] = []
    for _ in 0..<(try reader.count()) { conversations.append(try Conversation(from: &reader)) }
    var content: Content?
    if try reader.flag() {
      let size = try reader.signed()
      content = Content(size: size, hash: TreeHash(try reader.digest()))
    }
    let saved = try users(from: &reader)
    try reader.end()
    return FileRow(
      seq: seq, time: record.time, offer: offer, audience: audience, conversations: conversations, content: content,
      saved: saved)
  }

  private static func write(_ users: [UserID], to writer: inout ByteWriter) {
    writer.number(UInt64(users.count))
    for user in users { writer.number(user.rawValue) }
  }

  private static func users(from reader: inout ByteReader) throws(ByteCodingError) -> [UserID] {
    var users: [UserID] = []
    for _ in 0..<(try reader.count()) { users.append(UserID(try reader.number32())) }
    return users
  }
}

extension Conversation {
  fileprivate func write(to writer: inout ByteWriter) {
    let (kind, first, second): (UInt8, UInt32, UInt32) =
      switch self {
      case .everyone: (0, 0, 0)
      case .group(let id): (1, id.rawValue, 0)
      case .inbox(let id): (2, id.rawValue, 0)
      case .sent(let id): (3, id.rawValue, 0)
      case .pair(let a, let b): (4, a.rawValue, b.rawValue)
      }
    writer.byte(kind)
    writer.number(first)
    writer.number(second)
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    let kind = try reader.byte()
    let (first, second) = (try reader.number32(), try reader.number32())
    switch kind {
    case 0: self = .everyone
    case 1: self = .group(GroupID(first))
    case 2: self = .inbox(UserID(first))
    case 3: self = .sent(UserID(first))
    case 4: self = .pair(UserID(first), UserID(second))
    default: throw .value
    }
  }
}
