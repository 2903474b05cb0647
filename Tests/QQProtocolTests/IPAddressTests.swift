import QQProtocol
import Testing

@Suite struct IPAddressTests {
  @Test(
    "an address is shown in its canonical text",
    arguments: [
      ("192.168.1.5", "192.168.1.5"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
      ("::", "::"), ("::1", "::1"), ("[::1]", "::1"), ("1::", "1::"), ("2001:DB8::A", "2001:db8::a"),
      ("2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"),
      ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
      ("fe80::1%eth0", "fe80::1"), ("[fe80::1%25]", "fe80::1"),
      ("::ffff:10.1.2.3", "10.1.2.3"), ("::ffff:0a01:0203", "10.1.2.3"), ("0:0:0:0:0:ffff:10.1.2.3", "10.1.2.3"),
      ("[::FFFF:10.1.2.3%lo]", "10.1.2.3"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304"), ("::1.2.3.4", "::102:304"),
      ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ])
  func canonical(_ text: String, _ canonical: String) {
    #expect(IPAddress(text)?.description == canonical)
    #expect(IPAddress(canonical)?.description == canonical)
  }

  @Test(
    "what is no address is refused",
    arguments: [
      "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.00", "1.2.3.", ".1.2.3", "1..2.3", "+1.2.3.4",
      " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "0x1.2.3.4", "1.2.3.1000", "[1.2.3.4]", "1.2.3.4%eth0", "١.2.3.4",
      ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
      "12345::", "g::", ":1::2", "1::2:", "[::1", "::1]", "[]", "[[::1]]", "%eth0", "fe80::1%", "fe80::1%a b",
      "1.2.3.4::", "::1.2.3.4:5", "::1.2.3", "::01.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "bob", "::1/128",
      String(repeating: "1", count: 100_000), String(repeating: ":", count: 100),
    ])
  func refused(_ text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test("bytes, numbers and text make the same address")
  func constructors() {
    #expect(IPAddress(bytes: [10, 1, 2, 3]) == IPAddress("10.1.2.3"))
    #expect(IPAddress(v4: 0x0A01_0203) == IPAddress("10.1.2.3"))
    #expect(IPAddress(v6High: 0, low: 0xFFFF_0A01_0203) == IPAddress("10.1.2.3"))
    #expect(IPAddress(v6High: 0x2001_0DB8 << 32, low: 1) == IPAddress("2001:db8::1"))
    #expect(IPAddress(bytes: [UInt8](0..<16))?.description == "1:203:405:607:809:a0b:c0d:e0f")
    #expect(IPAddress(bytes: [UInt8](0..<16))?.bytes == [UInt8](0..<16))
    #expect(IPAddress("10.1.2.3")?.bytes == [10, 1, 2, 3])
    #expect(IPAddress("10.1.2.3")?.v4 == 0x0A01_0203)
    #expect(IPAddress("::1")?.v4 == nil)
    for count in [0, 3, 5, 15, 17] { #expect(IPAddress(bytes: Array(repeating: 0, count: count)) == nil) }
  }

  private struct Kinds: OptionSet {
    let rawValue: Int
    static let v4 = Kinds(rawValue: 1)
    static let loopback = Kinds(rawValue: 2)
    static let isPrivate = Kinds(rawValue: 4)
    static let linkLocal = Kinds(rawValue: 8)
    static let unspecified = Kinds(rawValue: 16)

    init(rawValue: Int) { self.rawValue = rawValue }

    init(_ address: IPAddress) {
      self = []
      if address.isIPv4 { insert(.v4) }
      if address.isLoopback { insert(.loopback) }
      if address.isPrivate { insert(.isPrivate) }
      if address.isLinkLocal { insert(.linkLocal) }
      if address.isUnspecified { insert(.unspecified) }
    }
  }

  @Test("an address knows what kind it is, up to the last address of a block")
  func kinds() throws {
    let expected: [(String, Kinds)] = [
      ("127.0.0.1", [.v4, .loopback]), ("127.255.255.255", [.v4, .loopback]), ("128.0.0.0", [.v4]),
      ("10.0.0.0", [.v4, .isPrivate]), ("10.255.255.255", [.v4, .isPrivate]), ("11.0.0.0", [.v4]),
      ("172.15.255.255", [.v4]), ("172.16.0.0", [.v4, .isPrivate]), ("172.31.255.255", [.v4, .isPrivate]),
      ("172.32.0.0", [.v4]), ("192.168.255.255", [.v4, .isPrivate]), ("192.169.0.0", [.v4]),
      ("169.254.0.1", [.v4, .linkLocal]), ("169.255.0.0", [.v4]), ("0.0.0.0", [.v4, .unspecified]),
      ("0.0.0.1", [.v4]), ("::ffff:127.0.0.1", [.v4, .loopback]), ("::", .unspecified), ("::1", .loopback), ("::2", []),
      ("fbff::", []), ("fc00::", .isPrivate), ("fdff:ffff::", .isPrivate), ("fe00::", []),
      ("fe7f::", []), ("fe80::", .linkLocal), ("febf:ffff::", .linkLocal), ("fec0::", []), ("2001:db8::1", []),
    ]
    for (text, kinds) in expected {
      #expect(Kinds(try #require(IPAddress(text))) == kinds, "\(text)")
    }
  }

  @Test(
    "a block is shown with its host bits masked off",
    arguments: [
      ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"),
      ("10.1.2.3/32", "10.1.2.3/32"), ("10.1.2.3/31", "10.1.2.2/31"), ("255.255.255.255/0", "0.0.0.0/0"),
      ("fe80::1/10", "fe80::/10"), ("fe80::1%eth0/64", "fe80::/64"), ("::1", "::1/128"), ("[::1]/128", "::1/128"),
      ("ffff::1/0", "::/0"), ("2001:db8:1:2:3::/65", "2001:db8:1:2::/65"), ("1::ffff/127", "1::fffe/127"),
      ("::ffff:10.0.0.1/104", "10.0.0.0/8"), ("::ffff:10.0.0.1", "10.0.0.1/32"), ("::ffff:10.0.0.1/96", "0.0.0.0/0"),
    ])
  func blocks(_ text: String, _ canonical: String) {
    #expect(CIDR(text)?.description == canonical)
  }

  @Test(
    "what is no block is refused",
    arguments: [
      "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8", "10/8",
      "::/129", "::/1000", "::ffff:10.0.0.1/95", "10.0.0.0/8 ", "10.0.0.0/255.0.0.0", "lan/8",
      "10.0.0.0/" + String(repeating: "1", count: 10_000),
    ])
  func refusedBlocks(_ text: String) {
    #expect(CIDR(text) == nil)
  }

  @Test(
    "a block contains its own addresses and no others",
    arguments: [
      ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
      ("10.0.0.0/8", "::ffff:10.0.0.1", true),
      ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "10.1.2.2", false), ("0.0.0.0/0", "8.8.8.8", true),
      ("0.0.0.0/0", "::1", false), ("::/0", "10.0.0.1", false), ("::/0", "2001:db8::1", true),
      ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false),
      ("2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff", true), ("2001:db8::/65", "2001:db8::8000:0:0:0", false),
    ])
  func contains(_ block: String, _ address: String, _ expected: Bool) throws {
    #expect(try #require(CIDR(block)).contains(try #require(IPAddress(address))) == expected)
  }

  @Test("a prefix length out of range is clamped")
  func clamped() {
    #expect(CIDR(address: IPAddress(v4: 1), prefixLength: 99).prefixLength == 32)
    #expect(CIDR(address: IPAddress(v4: 1), prefixLength: -1).description == "0.0.0.0/0")
    #expect(CIDR(address: IPAddress(v6High: 1, low: 1), prefixLength: .max).prefixLength == 128)
    #expect(CIDR(address: IPAddress(v6High: 1, low: 1), prefixLength: .min).description == "::/0")
  }
}
