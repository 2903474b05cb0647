import Testing

@testable import QQIdentity

@Suite("Host names")
struct HostNameTests {
  @Test(
    "spellings of one host are one",
    arguments: [
      ("Hub.LAN", "hub.lan", false), ("hub.lan.", "hub.lan", false), ("192.168.1.5", "192.168.1.5", true),
      ("[::1]", "::1", true), ("2001:DB8:0:0::1", "2001:db8::1", true), ("::ffff:10.0.0.1", "10.0.0.1", true),
      ("fe80::1%eth0", "fe80::1%eth0", true), ("[fe80:0::1%Eth0]", "fe80::1%Eth0", true),
    ])
  func canonical(input: String, text: String, isAddress: Bool) {
    #expect(HostName(input)?.text == text)
    #expect(HostName(input)?.isAddress == isAddress)
  }

  @Test(
    "what can be no host is refused",
    arguments: [
      "", ".", "..", "a..b", ".a", "a b", "a\n", "[hub]", "[]", "a:b", "1::2::3", "fe80::1%", "a%b", "a/b",
      "$(id).example", "a`id`", "a;b", "a|b", "a&b", "a*", "fe80::1%$(id)",
    ])
  func refuses(input: String) {
    #expect(HostName(input) == nil)
  }
}
