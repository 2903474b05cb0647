/// What hubs and those who look for them say to each other on a LAN: one JSON object a UDP datagram, on the protocol's
/// port, to a multicast group or as a broadcast. A hint, never a proof: whoever reads one asks the hub itself for its key.
public enum DiscoveryPacket: Equatable, Sendable {
  /// Who is here?
  case query
  case hub(Announcement)

  public struct Announcement: Hashable, Sendable {
    /// How the hub calls itself.
    public var name: String
    /// Where it accepts connections, at the address that the datagram came from.
    public var port: Int
    /// `SHA256:…`, of the hub's key.
    public var fingerprint: String

    public init(name: String, port: Int, fingerprint: String) {
      self.name = name
      self.port = port
      self.fingerprint = fingerprint
    }
  }

  /// Administratively scoped (RFC 2365): no router passes it on. Datagrams go with a TTL of 1 besides.
  public static let group4 = "239.255.67.89"
  /// A transient group of the link (RFC 4291, section 2.7).
  public static let group6 = "ff12::6789"
  /// Bytes of the longest datagram that is looked at.
  public static let limit = 1_024

  /// The datagram. A query is filled up to be no shorter than its answer, so that a forged source gains nothing by it.
  public var bytes: [UInt8] {
    var writer = JSONWriter(reserving: 256)
    switch self {
    case .query:
      writer.begin("query")
      writer.field("protocol", Int64(ProtocolLimits.version))
      writer.field("padding", String(repeating: "-", count: Self.longestAnswer - 45))
    case .hub(let hub):
      writer.begin("hub")
      writer.field("protocol", Int64(ProtocolLimits.version))
      writer.field("name", String(decoding: hub.name.utf8.prefix(Self.longestName), as: UTF8.self))
      writer.field("port", Int64(hub.port))
      writer.field("fingerprint", hub.fingerprint)
    }
    writer.end()
    return writer.bytes
  }

  /// Bytes of a name; escaped, each may take six.
  private static let longestName = 63
  static let longestAnswer = 520

  /// nil for what is none: anybody may send anything here.
  public init?(_ bytes: [UInt8]) {
    var bytes = bytes
    while let last = bytes.last, last == 0x0a || last == 0x0d { bytes.removeLast() }
    guard bytes.count <= Self.limit else { return nil }
    var decoder = FrameDecoder()
    guard let packet = try? decoder.discoveryPacket(bytes.span.bytes) else { return nil }
    self = packet
  }
}

extension FrameDecoder {
  fileprivate mutating func discoveryPacket(_ line: RawSpan) throws(FrameFault) -> DiscoveryPacket? {
    try parse(line)
    guard try integer("protocol", line) == Int64(ProtocolLimits.version) else { return nil }
    let type = try type(line)
    if JSONScanner.equal(type, "query", line) { return .query }
    guard JSONScanner.equal(type, "hub", line) else { return nil }
    let port = try required(integer("port", line), "port", line)
    guard 1...65_535 ~= port else { return nil }
    return .hub(
      .init(
        name: try string("name", line, limit: 128) ?? "", port: Int(port),
        fingerprint: try required(string("fingerprint", line, limit: 64), "fingerprint", line)))
  }
}
