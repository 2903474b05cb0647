import QQProtocol

/// An invite as the projection keeps it: not the secret, only what the secret is known by.
public struct InviteRow: Equatable, Sendable {
  /// What has become of an invite.
  public enum End: Hashable, Sendable {
    case used(by: UserID, at: Timestamp)
    case revoked(at: Timestamp)
  }

  /// SHA-256 of the secret.
  public var hash: Digest
  /// Who made it.
  public var by: UserID
  /// The nick that whoever uses it gets.
  public var nick: String?
  public var made: Timestamp
  public var expires: Timestamp
  /// nil while it can be used, but for its time.
  public var end: End?

  public init(
    hash: Digest, by: UserID, nick: String?, made: Timestamp, expires: Timestamp, end: End? = nil
  ) {
    self.hash = hash
    self.by = by
    self.nick = nick
    self.made = made
    self.expires = expires
    self.end = end
  }

  public func isOpen(at time: Timestamp) -> Bool { end == nil && time < expires }

  /// What people call it by.
  public var id: String { HubFrame.Invite.id(hash) }
}

extension InviteRow {
  private static let version: UInt8 = 1

  private enum EndKind: UInt8 {
    case none, used, revoked
  }

  /// As a store keeps it.
  public var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.byte(Self.version)
    writer.blob(hash.bytes)
    writer.number(by.rawValue)
    writer.byte(nick == nil ? 0 : 1)
    if let nick { writer.text(nick) }
    writer.number(made.milliseconds)
    writer.number(expires.milliseconds)
    switch end {
    case nil: writer.byte(EndKind.none.rawValue)
    case .used(let user, let time):
      writer.byte(EndKind.used.rawValue)
      writer.number(user.rawValue)
      writer.number(time.milliseconds)
    case .revoked(let time):
      writer.byte(EndKind.revoked.rawValue)
      writer.number(time.milliseconds)
    }
    return writer.bytes
  }

  public static func decode(_ bytes: Span<UInt8>) throws(ByteCodingError) -> InviteRow {
    var reader = ByteReader(bytes)
    let version = try reader.byte()
    guard version == Self.version else { throw .version(version) }
    var row = InviteRow(
      hash: try reader.digest(), by: UserID(try reader.number32()), nick: try reader.flag() ? try reader.text() : nil,
      made: Timestamp(milliseconds: try reader.signed()), expires: Timestamp(milliseconds: try reader.signed()))
    guard let kind = EndKind(rawValue: try reader.byte()) else { throw .value }
    switch kind {
    case .none: break
    case .used:
      row.end = .used(by: UserID(try reader.number32()), at: Timestamp(milliseconds: try reader.signed()))
    case .revoked: row.end = .revoked(at: Timestamp(milliseconds: try reader.signed()))
    }
    try reader.end()
    return row
  }
}

extension ByteReader {
  mutating func digest() throws(ByteCodingError) -> Digest {
    guard let digest = try blob().withUnsafeBytes({ Digest(raw: $0) }) else { throw .value }
    return digest
  }
}
