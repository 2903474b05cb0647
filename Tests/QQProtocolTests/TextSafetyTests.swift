import QQProtocol
import Testing

@Suite struct TextSafetyTests {
  @Test(
    "ordinary text stays as it is",
    arguments: [
      "", "hello, world ~ {}", "Grüße, Élodie", "Привет", "你好，世界！", "ひらカタ・ー々〆", "안녕하세요", "مرحبا", "שלום", "हिन्दी में", "ที่รัก",
      "😀 👍🏽 👩🏽‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🏴‍☠️ ❤️‍🔥 1️⃣ ©️ ☎︎ 🇩🇪", "می‌خواهم", "क्‍ष", "e\u{301}\u{327}", "葛\u{E0100}", "\u{600}12", "€ ∑ ⟨x⟩ — …", "\u{F8FF}",
      "\u{1820}\u{180B}", "か\u{3099}",
    ])
  func unchanged(_ text: String) {
    #expect(Array(TextSafety.visible(text).utf8) == Array(text.utf8))
  }

  @Test(
    "what a terminal would act on, or nobody would see, is written out",
    arguments: [
      ("\u{1B}[31mred", "^[[31mred"), ("a\u{0}b\u{7}", "a^@b^G"), ("\u{7F}", "^?"), ("a\tb", "a b"), ("a\nb", "a^Jb"),
      ("a\r\nb", "a^M^Jb"), ("\u{1F}", "^_"), ("\u{9B}31m", "<U+009B>31m"), ("\u{85}", "<U+0085>"),
      ("\u{80}\u{9F}", "<U+0080><U+009F>"),
      ("a\u{202E}b\u{202C}", "a<U+202E>b<U+202C>"), ("\u{2066}\u{2069}", "<U+2066><U+2069>"),
      ("\u{200E}\u{200F}\u{61C}", "<U+200E><U+200F><U+061C>"), ("a\u{200B}b", "a<U+200B>b"), ("a\u{AD}b", "a<U+00AD>b"),
      ("\u{FEFF}a", "<U+FEFF>a"), ("a\u{2060}\u{2064}", "a<U+2060><U+2064>"), ("\u{2028}\u{2029}", "<U+2028><U+2029>"),
      ("🏴\u{E0067}\u{E007F}", "🏴<U+E0067><U+E007F>"),
      ("a\u{200D}b", "a<U+200D>b"), ("a\u{200C}", "a<U+200C>"), ("😀\u{200D}", "😀<U+200D>"),
      ("😀\u{200D}a", "😀<U+200D>a"),
      ("1\u{200D}2", "1<U+200D>2"), ("😀\u{200D}\u{200D}😀", "😀<U+200D><U+200D>😀"), ("\u{200D}", "<U+200D>"),
      ("a\u{FE0F}", "a<U+FE0F>"), ("\u{FE0F}", "<U+FE0F>"), ("😀\u{FE0F}\u{FE0F}", "😀\u{FE0F}<U+FE0F>"),
      ("a\u{E0100}", "a<U+E0100>"), ("\u{115F}\u{1160}\u{3164}\u{FFA0}", "<U+115F><U+1160><U+3164><U+FFA0>"),
      ("a\u{34F}", "a<U+034F>"), ("\u{FFF9}", "<U+FFF9>"), ("\u{301}a", "<U+0301>a"), ("\u{1D173}", "<U+1D173>"),
    ])
  func written(_ text: String, _ visible: String) {
    #expect(Array(TextSafety.visible(text).utf8) == Array(visible.utf8))
  }

  @Test(
    "newlines are kept where that is wanted, other controls never",
    arguments: [
      ("a\nb\n", "a\nb\n"), ("a\r\nb", "a\nb"), ("a\rb", "a^Mb"), ("a\r", "a^M"), ("a\n\u{301}", "a\n<U+0301>"),
      ("\u{2028}\u{B}", "<U+2028>^K"),
    ])
  func newlines(_ text: String, _ visible: String) {
    #expect(Array(TextSafety.visible(text, keepNewlines: true).utf8) == Array(visible.utf8))
  }

  @Test(
    "a pile of marks is cut after eight",
    arguments: [
      (8, ""), (9, "<U+0301>×1"), (1000, "<U+0301>×992"),
    ])
  func marks(_ count: Int, _ rest: String) {
    let text = "z" + String(repeating: "\u{301}", count: count)
    let kept = "z" + String(repeating: "\u{301}", count: 8)
    #expect(Array(TextSafety.visible(text + "a").utf8) == Array((kept + rest + "a").utf8))
    #expect(Array(TextSafety.visible(text).utf8) == Array((kept + rest).utf8))
  }

  @Test("joiners between them don't let marks pile up")
  func joinedMarks() {
    let visible = TextSafety.visible("क" + String(repeating: "\u{94D}\u{200D}", count: 500))
    #expect(visible.unicodeScalars.count < 40)
  }

  @Test("no control, directional or invisible scalar survives, alone or after a letter")
  func everyScalar() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let properties = scalar.properties
      guard
        properties.generalCategory == .control || properties.isBidiControl || properties.isNoncharacterCodePoint
          || properties.isDefaultIgnorableCodePoint
      else { continue }
      for text in [String(Character(scalar)), "a" + String(Character(scalar))] {
        if TextSafety.visible(text).unicodeScalars.contains(scalar) { Issue.record("\(value)") }
      }
    }
  }
}
