import Testing

@testable import QQProtocol

@Suite struct ColumnsTests {
  @Test(
    "characters take what terminals give them, and where these disagree the most",
    arguments: [
      ("abc", 3), ("é", 1), ("e\u{301}", 1), ("你好", 4), ("한글", 4), ("ｆ", 2), ("😀", 2), ("❤\u{fe0f}", 2), ("❤", 1),
      ("👍🏽", 4), ("👨\u{200d}👩\u{200d}👧", 6), ("🇩🇪", 2), ("ก็", 1), ("\u{200b}", 0), ("→", 1), ("✓", 1), ("½", 1), ("Ж", 1),
      ("", 0), ("〈", 2), ("⌚", 2), ("𠀀", 2),
    ])
  func widths(_ text: String, _ columns: Int) {
    #expect(Columns.width(of: text) == columns)
  }

  @Test("a text is cut or filled up to its columns, and never half a character")
  func fitting() {
    #expect(Columns.fitted("abc", 5) == "abc  ")
    #expect(Columns.fitted("你好", 3) == "你 ")
    #expect(Columns.cut("你好吗", 5).text == "你好")
    #expect(Columns.cut("你好吗", 5).columns == 4)
    #expect(Columns.cut("", 5).text == "")
  }

  @Test("lines are broken at spaces where there are any, else anywhere, and no row is too long")
  func wrapping() {
    #expect(Columns.wrapped("the quick brown fox", 10) == ["the quick", "brown fox"])
    #expect(Columns.wrapped("abcdefgh", 3) == ["abc", "def", "gh"])
    #expect(Columns.wrapped("ab cdefgh ij", 4) == ["ab", "cdef", "gh", "ij"])
    #expect(Columns.wrapped("你好吗", 4) == ["你好", "吗"])
    #expect(Columns.wrapped("", 4) == [""])
    #expect(Columns.wrapped("   abcdef", 4) == ["   a", "bcde", "f"])
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let alphabet: [Character] = ["a", "b", " ", "你", "😀", "e\u{301}"]
      let text = String((0..<Int.random(in: 0..<60)).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
      let width = Int.random(in: 2...12, using: &generator)
      let rows = Columns.wrapped(text, width)
      #expect(rows.allSatisfy { Columns.width(of: $0) <= width }, "\(text) in \(width)")
      // Nothing is lost but spaces.
      #expect(rows.joined().filter { $0 != " " } == text.filter { $0 != " " }, "\(text) in \(width)")
    }
  }

  @Test("every colour of a nick holds on black and on white")
  func contrast() {
    func linear(_ level: Int) -> Double {
      let value = Double(level) / 255
      // The curve of sRGB, by square and cube roots alone: (x + 0.055) / 1.055 to the power 2.4.
      let base = (value + 0.055) / 1.055
      var root = base
      for _ in 0..<60 { root -= (root * root * root * root * root - base) / (5 * root * root * root * root) }
      return value <= 0.03928 ? value / 12.92 : base * base * root * root
    }
    let levels = [0, 95, 135, 175, 215, 255]
    for index in NickColor.palette {
      let cube = Int(index) - 16
      let luminance =
        0.2126 * linear(levels[cube / 36]) + 0.7152 * linear(levels[cube / 6 % 6]) + 0.0722 * linear(levels[cube % 6])
      #expect(1.05 / (luminance + 0.05) >= 4)
      #expect((luminance + 0.05) / 0.05 >= 4)
    }
  }

  @Test("a nick's colour is always the same, and the colours are all in use")
  func colors() {
    #expect(NickColor.index(of: "alice") == NickColor.index(of: "alice"))
    #expect(Set((0..<500).map { NickColor.index(of: "nick\($0)") }) == Set(NickColor.palette))
  }
}
