/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) is the IPv4 address, however it was made.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// The 128 bits of the address, an IPv4 one in its mapped form.
  private let high: UInt64
  private let low: UInt64

  public init(v4 value: UInt32) {
    self.init(v6High: 0, low: 0xFFFF_0000_0000 | UInt64(value))
  }

  public init(v6High high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Takes 4 or 16 bytes in network order, nothing else.
  public init?(bytes: [UInt8]) {
    switch bytes.count {
    case 4: self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
    case 16:
      self.init(
        v6High: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
        low: bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) })
    default: return nil
    }
  }

  /// Reads a dotted quad without leading zeros, or IPv6 text (RFC 4291, section 2.2).
  /// IPv6 may stand in brackets and may name a zone (`%eth0`, RFC 4007), which is dropped.
  public init?(_ text: some StringProtocol) {
    // Brackets, eight groups and a zone fit; what is longer is no address and isn't looked at.
    let bytes = Array(text.utf8.prefix(129))
    guard bytes.count <= 128 else { return nil }
    self.init(text: bytes[...])
  }

  private init?(text bytes: ArraySlice<UInt8>) {
    var bytes = bytes
    if bytes.first == UInt8(ascii: "[") {
      guard bytes.last == UInt8(ascii: "]"), bytes.contains(UInt8(ascii: ":")) else { return nil }
      bytes = bytes.dropFirst().dropLast()
    }
    guard bytes.contains(UInt8(ascii: ":")) else {
      guard let value = Self.dottedQuad(bytes) else { return nil }
      self.init(v4: value)
      return
    }
    if let percent = bytes.firstIndex(of: UInt8(ascii: "%")) {
      let zone = bytes[(percent + 1)...]
      guard !zone.isEmpty, zone.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
      bytes = bytes[..<percent]
    }
    guard let groups = Self.groups(bytes) else { return nil }
    self.init(
      v6High: groups.prefix(4).reduce(0) { $0 << 16 | UInt64($1) },
      low: groups.suffix(4).reduce(0) { $0 << 16 | UInt64($1) })
  }

  public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// The IPv4 address as a number, nil for IPv6.
  public var v4: UInt32? { isIPv4 ? UInt32(truncatingIfNeeded: low) : nil }

  /// In network order: 4 bytes for IPv4, 16 for IPv6.
  public var bytes: [UInt8] {
    if let v4 { return (0..<4).map { UInt8(truncatingIfNeeded: v4 >> (24 - 8 * $0)) } }
    return [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) } }
  }

  /// 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { v4.map { $0 >> 24 == 127 } ?? (high == 0 && low == 1) }

  /// 10/8, 172.16/12 or 192.168/16 (RFC 1918), or fc00::/7 (RFC 4193).
  public var isPrivate: Bool {
    v4.map { $0 >> 24 == 10 || $0 >> 20 == 0xAC1 || $0 >> 16 == 0xC0A8 } ?? (high >> 57 == 0xFC >> 1)
  }

  /// 169.254/16 (RFC 3927) or fe80::/10 (RFC 4291).
  public var isLinkLocal: Bool { v4.map { $0 >> 16 == 0xA9FE } ?? (high >> 54 == 0xFE80 >> 6) }

  /// What one machine may have to itself: an address of IPv4, the /64 of one of IPv6 (RFC 4291, section 2.5.4). Limits
  /// are counted by it.
  public var source: IPAddress { isIPv4 ? self : IPAddress(v6High: high, low: 0) }

  /// 0.0.0.0 or ::.
  public var isUnspecified: Bool { v4.map { $0 == 0 } ?? (high == 0 && low == 0) }

  /// A dotted quad, or the canonical text of RFC 5952.
  public var description: String {
    if let v4 { return (0..<4).map { String(v4 >> (24 - 8 * $0) & 0xFF) }.joined(separator: ".") }
    let groups = [high, low].flatMap { half in (0..<4).map { half >> (48 - 16 * $0) & 0xFFFF } }
    func hex(_ groups: ArraySlice<UInt64>) -> String {
      groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard let zeros = Self.longestZeroRun(groups) else { return hex(groups[...]) }
    return hex(groups[..<zeros.lowerBound]) + "::" + hex(groups[zeros.upperBound...])
  }

  /// The longest run of two or more zero groups, the first of equals.
  private static func longestZeroRun(_ groups: [UInt64]) -> Range<Int>? {
    var best = 0..<1
    var start = 0
    for index in groups.indices {
      if groups[index] != 0 {
        start = index + 1
      } else if index + 1 - start > best.count {
        best = start..<(index + 1)
      }
    }
    return best.count > 1 ? best : nil
  }

  private static func dottedQuad(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard let number = decimal(part, upTo: 255) else { return nil }
      value = value << 8 | UInt32(truncatingIfNeeded: number)
    }
    return value
  }

  /// At most three digits, no sign, no leading zero.
  fileprivate static func decimal(_ digits: ArraySlice<UInt8>, upTo limit: Int) -> Int? {
    guard (1...3).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
    var value = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value <= limit ? value : nil
  }

  /// The eight groups of IPv6 text without brackets or zone.
  private static func groups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
    let colon = UInt8(ascii: ":")
    var gap: ArraySlice<UInt8>.Index?
    for index in bytes.indices.dropLast() where bytes[index] == colon && bytes[index + 1] == colon {
      guard gap == nil else { return nil }
      gap = index
    }
    guard let gap else {
      guard let all = run(bytes, quadAllowed: true), all.count == 8 else { return nil }
      return all
    }
    let before = bytes[..<gap]
    let after = bytes[(gap + 2)...]
    guard let head = before.isEmpty ? [] : run(before, quadAllowed: false),
      let tail = after.isEmpty ? [] : run(after, quadAllowed: true),
      head.count + tail.count <= 7
    else { return nil }
    return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
  }

  /// Groups joined by single colons; the last two may be written as a dotted quad.
  private static func run(_ bytes: ArraySlice<UInt8>, quadAllowed: Bool) -> [UInt16]? {
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count <= 8 else { return nil }
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if quadAllowed, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
        guard let quad = dottedQuad(part) else { return nil }
        groups += [UInt16(truncatingIfNeeded: quad >> 16), UInt16(truncatingIfNeeded: quad)]
      } else {
        guard let group = hexGroup(part) else { return nil }
        groups.append(group)
      }
    }
    return groups
  }

  private static func hexGroup(_ digits: ArraySlice<UInt8>) -> UInt16? {
    guard (1...4).contains(digits.count) else { return nil }
    var value: UInt16 = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt16(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt16(digit - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt16(digit - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    return value
  }

  /// The address with all but its first bits zero; 0...32 of IPv4, 0...128 of IPv6.
  fileprivate func masked(to bits: Int) -> IPAddress {
    // Shifting by the width or more gives 0 in Swift, so the ends need no special case.
    let bits = isIPv4 ? bits + 96 : bits
    return IPAddress(
      v6High: high & ~(UInt64.max >> UInt64(min(bits, 64))), low: low & ~(UInt64.max >> UInt64(max(bits - 64, 0))))
  }
}

/// A block of addresses of one family, such as `10.0.0.0/8` (RFC 4632, RFC 4291). Host bits are masked off.
public struct CIDR: Hashable, Sendable, CustomStringConvertible {
  /// The first address of the block.
  public let address: IPAddress
  /// 0...32 for IPv4, 0...128 for IPv6.
  public let prefixLength: Int

  /// A prefix length outside of the family's range is clamped to it.
  public init(address: IPAddress, prefixLength: Int) {
    self.prefixLength = min(max(prefixLength, 0), address.isIPv4 ? 32 : 128)
    self.address = address.masked(to: self.prefixLength)
  }

  /// Reads `ADDRESS/LENGTH`; a bare address is the block of itself alone.
  /// A block of mapped addresses (`::ffff:10.0.0.0/104`) is the IPv4 block (`10.0.0.0/8`).
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8.prefix(160))
    let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
    guard let address = IPAddress(String(decoding: bytes[..<slash], as: UTF8.self)) else { return nil }
    let mapped = address.isIPv4 && bytes[..<slash].contains(UInt8(ascii: ":"))
    let widest = address.isIPv4 && !mapped ? 32 : 128
    guard slash < bytes.endIndex else {
      self.init(address: address, prefixLength: widest)
      return
    }
    guard let length = IPAddress.decimal(bytes[(slash + 1)...], upTo: widest), !mapped || length >= 96 else {
      return nil
    }
    self.init(address: address, prefixLength: mapped ? length - 96 : length)
  }

  /// Never true for an address of the other family.
  public func contains(_ other: IPAddress) -> Bool {
    other.isIPv4 == address.isIPv4 && other.masked(to: prefixLength) == address
  }

  public var description: String { "\(address)/\(prefixLength)" }
}
