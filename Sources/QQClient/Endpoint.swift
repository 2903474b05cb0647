import QQProtocol

/// Where a hub is: a name or an address, and a port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  public var host: String
  public var port: Int

  public init(host: String, port: Int = ProtocolLimits.port) {
    self.host = host
    self.port = port
  }

  /// Takes `HOST`, `HOST:PORT`, `ADDRESS`, `[IPV6]:PORT`; nil for what is none of these. `otherwise`: the port where
  /// none is written.
  public init?(_ text: String, otherwise port: Int = ProtocolLimits.port) {
    guard !text.isEmpty, !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "/") }) else {
      return nil
    }
    guard let (host, port) = Self.parts(text, otherwise: port) else { return nil }
    self.init(host: host, port: port)
  }

  private static func parts(_ text: String, otherwise other: Int) -> (host: String, port: Int)? {
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      let host = String(text[text.index(after: text.startIndex)..<end])
      let rest = text[text.index(after: end)...]
      guard IPAddress(host)?.isIPv4 == false else { return nil }
      if rest.isEmpty { return (host, other) }
      return rest.hasPrefix(":") ? port(rest.dropFirst()).map { (host, $0) } : nil
    }
    if IPAddress(text) != nil { return (text, other) }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, !first.isEmpty else { return nil }
    if parts.count == 1 { return (text, other) }
    return port(parts[1]).map { (String(first), $0) }
  }

  private static func port(_ text: Substring) -> Int? {
    Int(text).flatMap { 1...65_535 ~= $0 ? $0 : nil }
  }

  public var isLoopback: Bool {
    host == "localhost" || IPAddress(host)?.isLoopback == true
  }

  public var description: String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
