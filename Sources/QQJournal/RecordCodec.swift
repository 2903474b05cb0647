import QQProtocol

/// The bytes of a record as a journal keeps them: a version, the kind of body, time, origin, and the body's fields in
/// the order of their declaration. What was once written stays readable: fields are never changed, a new version is
/// read beside the old ones.
public enum RecordCodec {
  private static let version: UInt8 = 1

  private enum Kind: UInt8 {
    case message = 1
    case admit, rename, join, leave, cursors, seen
    case offer, complete, saved, discard
    case admitInvited, invite, revoke, remove, restore
    case prune, admitOwner
  }

  private enum TargetKind: UInt8 {
    case nick = 1
    case group, address
  }

  /// Appends the bytes of `record`.
  public static func encode(_ record: Record, into output: inout [UInt8]) {
    // The writer borrows the array's storage: with two owners every append would copy it.
    var writer = ByteWriter(output.taken())
    write(record, to: &writer)
    output = writer.bytes
  }

  public static func decode(_ bytes: Span<UInt8>) throws(ByteCodingError) -> Record {
    var reader = ByteReader(bytes)
    let version = try reader.byte()
    guard version == Self.version else { throw .version(version) }
    guard let kind = Kind(rawValue: try reader.byte()) else { throw .value }
    let time = Timestamp(milliseconds: try reader.signed())
    let origin = Origin(hub: try reader.fixed32(), session: try reader.number(), ref: try reader.signed())
    let body = try body(kind, from: &reader)
    try reader.end()
    return Record(time: time, origin: origin, body: body)
  }

  // MARK: Writing

  private static func write(_ record: Record, to writer: inout ByteWriter) {
    func start(_ kind: Kind) {
      writer.byte(version)
      writer.byte(kind.rawValue)
      writer.number(record.time.milliseconds)
      writer.fixed(record.origin.hub)
      writer.number(record.origin.session)
      writer.number(record.origin.ref)
    }
    switch record.body {
    case .message(let message):
      switch message.attachment {
      case nil: start(.message)
      case .file: start(.offer)
      case .complete: start(.complete)
      }
      write(message, to: &writer)
    case .admit(let admit):
      start(admit.invite != nil ? .admitInvited : admit.isOwner ? .admitOwner : .admit)
      writer.byte(admit.key == nil ? 0 : 1)
      if let key = admit.key { writer.blob(key) }
      writer.text(admit.nick)
      writer.byte(admit.isExplicit ? 1 : 0)
      writer.address(admit.address)
      writer.text(admit.host)
      if let invite = admit.invite { writer.blob(invite.bytes) }
    case .rename(let user, let nick):
      start(.rename)
      writer.number(user.rawValue)
      writer.text(nick)
    case .join(let user, let group):
      start(.join)
      writer.number(user.rawValue)
      writer.text(group)
    case .leave(let user, let group):
      start(.leave)
      writer.number(user.rawValue)
      writer.text(group)
    case .cursors(let moves):
      start(.cursors)
      writer.number(UInt64(moves.count))
      for move in moves {
        writer.number(move.user.rawValue)
        writer.text(move.name)
        writer.number(move.seq)
      }
    case .seen(let user, let address):
      start(.seen)
      writer.number(user.rawValue)
      writer.address(address)
    case .saved(let user, let file):
      start(.saved)
      writer.number(user.rawValue)
      writer.number(file)
    case .discard(let files):
      start(.discard)
      writer.number(UInt64(files.count))
      for file in files { writer.number(file) }
    case .invite(let invite):
      start(.invite)
      writer.number(invite.by.rawValue)
      writer.blob(invite.hash.bytes)
      writer.byte(invite.nick == nil ? 0 : 1)
      if let nick = invite.nick { writer.text(nick) }
      writer.number(invite.expires.milliseconds)
    case .revoke(let hash):
      start(.revoke)
      writer.blob(hash.bytes)
    case .remove(let user):
      start(.remove)
      writer.number(user.rawValue)
    case .restore(let user):
      start(.restore)
      writer.number(user.rawValue)
    case .prune(let seq, let users):
      start(.prune)
      writer.number(seq)
      writer.number(users.lowerBound.rawValue)
      writer.number(users.upperBound.rawValue)
    }
  }

  private static func write(_ message: MessageBody, to writer: inout ByteWriter) {
    writer.number(message.sender.rawValue)
    writer.text(message.from)
    writer.address(message.address)
    writer.id(message.id)
    writer.number(UInt64(message.targets.count))
    for target in message.targets {
      switch target {
      case .nick(let nick):
        writer.byte(TargetKind.nick.rawValue)
        writer.text(nick)
      case .group(let group):
        writer.byte(TargetKind.group.rawValue)
        writer.text(group)
      case .address(let address, let users):
        writer.byte(TargetKind.address.rawValue)
        writer.text(address)
        writer.number(UInt64(users.count))
        for user in users { writer.number(user.rawValue) }
      }
    }
    writer.text(message.text)
    writer.byte(message.replyTo == nil ? 0 : 1)
    if let reply = message.replyTo { writer.id(reply) }
    switch message.attachment {
    case nil: break
    case .file(let info): write(info, to: &writer)
    case .complete(let file, let size, let hash):
      writer.number(file)
      writer.number(size)
      writer.blob(hash.digest.bytes)
    }
  }

  private static func write(_ info: FileInfo, to writer: inout ByteWriter) {
    writer.text(info.name)
    // -1 where there is none: none of them is ever negative.
    for number in [info.size, info.manifest, info.mode] { writer.number(number ?? -1) }
    writer.byte(info.modified == nil ? 0 : 1)
    if let time = info.modified { writer.number(time.milliseconds) }
  }

  // MARK: Reading

  private static func body(_ kind: Kind, from reader: inout ByteReader) throws(ByteCodingError) -> Record.Body {
    switch kind {
    case .message, .offer, .complete: return .message(try message(kind, from: &reader))
    case .admit, .admitInvited, .admitOwner:
      return .admit(
        AdmitBody(
          key: try reader.flag() ? try reader.blob() : nil, nick: try reader.text(), isExplicit: try reader.flag(),
          address: try reader.address(), host: try reader.text(),
          invite: kind == .admitInvited ? try reader.digest() : nil, isOwner: kind == .admitOwner))
    case .rename: return .rename(try user(from: &reader), nick: try reader.text())
    case .join: return .join(try user(from: &reader), group: try reader.text())
    case .leave: return .leave(try user(from: &reader), group: try reader.text())
    case .cursors:
      var moves: [CursorMove] = []
      for _ in 0..<(try reader.count()) {
        moves.append(CursorMove(user: try user(from: &reader), name: try reader.text(), seq: try reader.signed()))
      }
      return .cursors(moves)
    case .seen: return .seen(try user(from: &reader), address: try reader.address())
    case .saved: return .saved(try user(from: &reader), file: try reader.signed())
    case .discard:
      var files: [Seq] = []
      for _ in 0..<(try reader.count()) { files.append(try reader.signed()) }
      return .discard(files)
    case .invite:
      return .invite(
        InviteBody(
          by: try user(from: &reader), hash: try reader.digest(), nick: try reader.flag() ? try reader.text() : nil,
          expires: Timestamp(milliseconds: try reader.signed())))
    case .revoke: return .revoke(try reader.digest())
    case .remove: return .remove(try user(from: &reader))
    case .restore: return .restore(try user(from: &reader))
    case .prune:
      let seq = try reader.signed()
      let (first, last) = (try user(from: &reader), try user(from: &reader))
      guard first <= last else { throw .value }
      return .prune(through: seq, first...last)
    }
  }

  private static func message(_ kind: Kind, from reader: inout ByteReader) throws(ByteCodingError) -> MessageBody {
    MessageBody(
      sender: try user(from: &reader), from: try reader.text(), address: try reader.address(), id: try reader.id(),
      targets: try targets(from: &reader), text: try reader.text(), replyTo: try reader.flag() ? try reader.id() : nil,
      attachment: try attachment(kind, from: &reader))
  }

  private static func attachment(_ kind: Kind, from reader: inout ByteReader) throws(ByteCodingError) -> Attachment? {
    switch kind {
    case .offer:
      let name = try reader.text()
      func number() throws(ByteCodingError) -> Int64? {
        let number = try reader.signed()
        return number < 0 ? nil : number
      }
      return .file(
        FileInfo(
          name: name, size: try number(), manifest: try number(), mode: try number(),
          modified: try reader.flag() ? Timestamp(milliseconds: try reader.signed()) : nil))
    case .complete:
      let (file, size) = (try reader.signed(), try reader.signed())
      return .complete(file: file, size: size, hash: TreeHash(try reader.digest()))
    default: return nil
    }
  }

  private static func targets(from reader: inout ByteReader) throws(ByteCodingError) -> [RecordTarget] {
    var targets: [RecordTarget] = []
    for _ in 0..<(try reader.count()) {
      guard let kind = TargetKind(rawValue: try reader.byte()) else { throw .value }
      switch kind {
      case .nick: targets.append(.nick(try reader.text()))
      case .group: targets.append(.group(try reader.text()))
      case .address:
        let address = try reader.text()
        var users: [UserID] = []
        for _ in 0..<(try reader.count()) { users.append(try user(from: &reader)) }
        targets.append(.address(address, users: users))
      }
    }
    return targets
  }

  private static func user(from reader: inout ByteReader) throws(ByteCodingError) -> UserID {
    UserID(try reader.number32())
  }
}

extension [UInt8] {
  /// The array itself, leaving an empty one.
  fileprivate mutating func taken() -> [UInt8] {
    var other: [UInt8] = []
    swap(&self, &other)
    return other
  }
}
