import QQProtocol
import Testing

@Suite struct MessageIDTests {
  @Test(
    "an id is written as 26 digits and read back in either case",
    arguments: [
      (0, 0, "00000000000000000000000000"), (0, 1, "00000000000000000000000001"), (0, 32, "00000000000000000000000010"),
      (0, UInt64.max, "0000000000000FZZZZZZZZZZZZ"), (1, 0, "0000000000000G000000000000"),
      (UInt64.max, UInt64.max, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), (UInt64.max, 0, "7ZZZZZZZZZZZZG000000000000"),
      // Checked with another implementation's integers: 0x0123456789ABCDEF_FEDCBA9876543210.
      (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, "014D2PF2DBSQQZXQ5TK1V58CGG"),
    ] as [(UInt64, UInt64, String)])
  func text(_ high: UInt64, _ low: UInt64, _ text: String) {
    let id = MessageID(high: high, low: low)
    #expect(id.description == text)
    #expect(MessageID(text) == id)
    #expect(MessageID(text.lowercased()) == id)
    #expect(MessageID(Substring("id:" + text).dropFirst(3)) == id)
  }

  @Test("every single bit survives the text, and no two texts are the same")
  func bits() {
    var texts: Set<String> = []
    for bit in 0..<128 {
      let id = MessageID(high: bit < 64 ? 1 << UInt64(bit) : 0, low: bit < 64 ? 0 : 1 << UInt64(bit - 64))
      #expect(MessageID(id.description) == id)
      texts.insert(id.description)
    }
    #expect(texts.count == 128)
  }

  @Test(
    "what is no id is refused",
    arguments: [
      "", "0", "0000000000000000000000000", "000000000000000000000000000", "80000000000000000000000000",
      "Z0000000000000000000000000", "0000000000000000000000000U", "0000000000000000000000000I",
      "0000000000000000000000000L", "0000000000000000000000000o", "0000000000000-000000000000",
      "0000000000000 000000000000", "000000000000000000000000é", "0000000000000000000000000\n",
      "000000000000\u{0}0000000000000", String(repeating: "0", count: 100_000),
    ])
  func refused(_ text: String) {
    #expect(MessageID(text) == nil)
  }

  @Test("a byte that is no digit is refused wherever it stands")
  func everyPosition() {
    for position in 0..<26 {
      var bytes = Array(repeating: UInt8(ascii: "0"), count: 26)
      for byte in [UInt8(ascii: "U"), 0, 0x7F, 0x80, 0xFF] {
        bytes[position] = byte
        #expect(bytes.withUnsafeBufferPointer { MessageID(utf8: $0) } == nil)
        #expect(MessageID(utf8: bytes.span) == nil)
      }
    }
  }

  @Test("writing appends 26 bytes")
  func write() {
    var bytes: [UInt8] = Array("id=".utf8)
    MessageID(high: 0, low: 31).write(into: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "id=0000000000000000000000000Z")
  }

  @Test("an id is 48 bits of time and 80 random bits")
  func generated() {
    var generator = MessageIDGenerator(random: (0, 0))
    let id = generator.next(time: Timestamp(milliseconds: 0x0123_4567_89AB), random: (0xFFFF_FFFF_FFFF_1234, 0x5678))
    #expect(id == MessageID(high: 0x0123_4567_89AB_1234, low: 0x5678))
  }

  @Test("the first ten digits are the time, as in the specification's example")
  func example() {
    var generator = MessageIDGenerator(random: (0, 0))
    let id = generator.next(time: Timestamp(milliseconds: 1_469_918_176_385), random: (0, 0))
    #expect(id.description == "01ARYZ6S410000000000000000")
  }

  @Test("within a millisecond, and when the clock goes back, the next id is one more")
  func monotonic() {
    var generator = MessageIDGenerator(random: (0, 0))
    _ = generator.next(time: Timestamp(milliseconds: 5), random: (0, UInt64.max))
    #expect(generator.next(time: Timestamp(milliseconds: 5), random: (9, 9)) == MessageID(high: 5 << 16 | 1, low: 0))
    #expect(generator.next(time: Timestamp(milliseconds: 4), random: (9, 9)) == MessageID(high: 5 << 16 | 1, low: 1))
    #expect(generator.next(time: Timestamp(milliseconds: 6), random: (9, 9)) == MessageID(high: 6 << 16 | 9, low: 9))
  }

  @Test("a time out of range is clamped and ids go on")
  func clamped() {
    var generator = MessageIDGenerator(random: (0, 0))
    #expect(generator.next(time: Timestamp(milliseconds: .min), random: (0, 7)) == MessageID(high: 0, low: 7))
    #expect(
      generator.next(time: Timestamp(milliseconds: .max), random: (.max, .max)) == MessageID(high: .max, low: .max))
    _ = generator.next(time: Timestamp(milliseconds: .max), random: (0, 0))
  }

  @Test("two generators fed with the same random values make different ids")
  func seeds() {
    var one = MessageIDGenerator(random: (1, 2))
    var other = MessageIDGenerator(random: (1, 3))
    let time = Timestamp(milliseconds: 1)
    #expect(one.next(time: time, random: (5, 5)) != other.next(time: time, random: (5, 5)))
  }
}
