import QQIdentity
import QQProtocol

/// What `qq invite` gives and `qq accept` takes: where the hub is, its key, and a secret that lets one user in. One word
/// of letters, digits, `-` and `_`.
///
///     qqinvite_ BASE64URL( version secret fingerprint count (port length host)… checksum )
///
/// The version is one byte, 1; the secret 16 and the fingerprint 32 bytes; the count one byte; a port two, the most
/// significant first; a host its length in one byte and its UTF-8. The checksum is the first 4 bytes of the SHA-256 of
/// what stands before it: it tells a token that was cut off from one that a hub refuses.
public struct InviteToken: Equatable, Sendable {
  /// Where the hub may be reached, the likeliest first; at least one. Of more than 8 the first are written.
  public var endpoints: [Endpoint]
  public var fingerprint: Fingerprint
  /// 16 random bytes.
  public var secret: [UInt8]

  public enum Fault: Error, Equatable, Sendable {
    case empty
    case noToken
    case damaged
    case newer

    public var message: String {
      switch self {
      case .empty: "there is no invite on standard input: paste what \"qq invite\" printed"
      case .noToken: "that is no invite: one begins with \"\(InviteToken.prefix)\", as \"qq invite\" prints it"
      case .damaged: "the invite was altered or cut off on its way: it must be copied whole"
      case .newer: "the invite is of a newer version of qq: update this one"
      }
    }
  }

  static let prefix = "qqinvite_"
  public static let secretBytes = 16
  public static let maximumEndpoints = 8
  private static let version: UInt8 = 1
  private static let checksumBytes = 4

  public init(endpoints: [Endpoint], fingerprint: Fingerprint, secret: [UInt8]) {
    self.endpoints = endpoints
    self.fingerprint = fingerprint
    self.secret = secret
  }

  /// What a hub knows it by.
  public var hash: Digest { Digest(of: secret) }

  /// As `hello` carries it.
  public var secretText: String { Base64.url.text(secret) }

  public var text: String {
    let endpoints = endpoints.prefix(Self.maximumEndpoints)
    var bytes = [Self.version] + secret + fingerprint.bytes + [UInt8(endpoints.count)]
    for endpoint in endpoints {
      let host = Array(endpoint.host.utf8.prefix(255))
      bytes += [UInt8(truncatingIfNeeded: endpoint.port >> 8), UInt8(truncatingIfNeeded: endpoint.port)]
      bytes += [UInt8(host.count)] + host
    }
    return Self.prefix + Base64.url.text(bytes + Self.checksum(bytes))
  }

  private static func checksum(_ bytes: some Collection<UInt8>) -> [UInt8] {
    Array(Digest(of: bytes).bytes.prefix(checksumBytes))
  }

  /// Of what was pasted or piped: the token may stand among other text, or be broken into lines, and what `qq invite`
  /// prints as JSON will do.
  public init(_ text: String) throws(Fault) {
    for word in text.split(whereSeparator: \.isWhitespace) {
      if let start = word.firstRange(of: Self.prefix)?.lowerBound,
        let token = try? InviteToken(word: String(word[start...].prefix { Base64.url.isDigit($0) }))
      {
        self = token
        return
      }
    }
    var word = String(String.UnicodeScalarView(text.unicodeScalars.filter { !$0.properties.isWhitespace }))
    if let start = word.firstRange(of: Self.prefix)?.lowerBound { word = String(word[start...]) }
    self = try InviteToken(word: word)
  }

  private init(word: String) throws(Fault) {
    guard !word.isEmpty else { throw .empty }
    guard word.hasPrefix(Self.prefix) else { throw .noToken }
    guard let all = Base64.url.bytes(word.dropFirst(Self.prefix.count)), all.count > Self.checksumBytes else {
      throw .damaged
    }
    let bytes = all.dropLast(Self.checksumBytes)
    guard Self.checksum(bytes) == Array(all.suffix(Self.checksumBytes)) else { throw .damaged }
    guard bytes.first == Self.version else { throw .newer }
    guard let token = Self.parse(bytes.dropFirst()) else { throw .damaged }
    self = token
  }

  private static func parse(_ bytes: ArraySlice<UInt8>) -> InviteToken? {
    var rest = bytes
    func take(_ count: Int) -> [UInt8]? {
      guard rest.count >= count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    guard let secret = take(secretBytes), let fingerprint = take(32).flatMap({ Fingerprint(bytes: $0) }),
      let count = take(1)?[0], 1...maximumEndpoints ~= Int(count)
    else { return nil }
    var endpoints: [Endpoint] = []
    for _ in 0..<count {
      guard let head = take(3), let host = take(Int(head[2])) else { return nil }
      let port = Int(head[0]) << 8 | Int(head[1])
      let name = String(decoding: host, as: UTF8.self)
      guard let endpoint = Endpoint(Endpoint(host: name, port: port).description) else { return nil }
      endpoints.append(endpoint)
    }
    return rest.isEmpty ? InviteToken(endpoints: endpoints, fingerprint: fingerprint, secret: secret) : nil
  }
}
