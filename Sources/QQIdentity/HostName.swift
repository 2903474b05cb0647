import Glibc

/// A host's name or IP address, spelled so that two spellings of the same compare equal: lower case, no final dot, IPv6
/// as in RFC 5952, an IPv4-mapped address as IPv4.
struct HostName: Hashable, Sendable {
  let text: String
  let isAddress: Bool

  /// Takes an IPv6 address with brackets or without; nil for what can be no host.
  init?(_ input: some StringProtocol) {
    var host = Substring(input)
    if host.utf8.first == UInt8(ascii: "["), host.utf8.last == UInt8(ascii: "]") {
      host = host.dropFirst().dropLast()
      guard host.utf8.contains(UInt8(ascii: ":")) else { return nil }
    }
    guard 1...255 ~= host.utf8.count, host.utf8.allSatisfy(isAllowed) else { return nil }
    if host.utf8.contains(UInt8(ascii: ":")) {
      // A zone (RFC 4007 section 11) is an interface's name and keeps its case.
      let address = host.prefix { $0 != "%" }
      let zone = host.dropFirst(address.count)
      guard zone.utf8.count != 1, let canonical = canonicalIPv6(String(address)) else { return nil }
      text = canonical + zone
      isAddress = true
      return
    }
    guard !host.utf8.contains(UInt8(ascii: "%")) else { return nil }
    if host.utf8.last == UInt8(ascii: ".") { host = host.dropLast() }
    guard !host.isEmpty, host.utf8.first != UInt8(ascii: "."), !host.contains("..") else { return nil }
    text = host.lowercased()
    var address = in_addr()
    isAddress = inet_pton(AF_INET, text, &address) == 1
  }
}

/// Hosts come with invites, announcements and files, and go to shells and terminals: nothing that means anything there.
private func isAllowed(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "0")...UInt8(ascii: "9"): true
  case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "%"): true
  default: false
  }
}

private func canonicalIPv6(_ text: String) -> String? {
  var address = in6_addr()
  guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
  var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
  guard inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count)) != nil else { return nil }
  let canonical = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let mapped = "::ffff:"
  guard canonical.hasPrefix(mapped), canonical.contains(".") else { return canonical }
  return String(canonical.dropFirst(mapped.count))
}
