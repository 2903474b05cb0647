import QQProtocol
import Testing

@Suite struct Base64Tests {
  /// RFC 4648, section 10, without the padding.
  private static let vectors = [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
    ("foobar", "Zm9vYmFy"),
  ]

  @Test("the RFC's examples are written and read", arguments: vectors)
  func examples(_ plain: String, _ encoded: String) {
    for base64 in [Base64.standard, .url] {
      #expect(base64.text(Array(plain.utf8)) == encoded)
      #expect(base64.bytes(encoded) == Array(plain.utf8))
    }
  }

  @Test("the two alphabets differ in two letters, and neither reads the other's")
  func alphabets() {
    let bytes: [UInt8] = [0xfb, 0xff, 0xfe]
    #expect(Base64.standard.text(bytes) == "+//+")
    #expect(Base64.url.text(bytes) == "-__-")
    #expect(Base64.standard.bytes("-__-") == nil)
    #expect(Base64.url.bytes("+//+") == nil)
  }

  @Test("all lengths come back as they were")
  func roundTrip() {
    for count in 0..<100 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
      #expect(Base64.url.bytes(Base64.url.text(bytes)) == bytes)
    }
  }

  @Test(
    "another spelling of the same bytes is refused", arguments: ["Zg==", "Zh", "Z", "Zm9v\n", " Zg", "Zm9vYg=", "Zé"])
  func spellings(_ text: String) {
    #expect(Base64.standard.bytes(text) == nil)
  }
}
