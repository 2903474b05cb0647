import QQProtocol
import Testing

@Suite struct JSONWriterTests {
  private func written(_ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    body(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test(
    "a string's quotes, controls, overrides and separators are escaped, the rest stays",
    arguments: [
      ("", #""""#), ("plain text ~!#[]", #""plain text ~!#[]""#), ("a\"b\\c/d", #""a\"b\\c/d""#),
      ("\n\r\t", #""\n\r\t""#),
      ("\u{0}\u{1}\u{8}\u{b}\u{c}\u{1b}\u{1f}", #""\u0000\u0001\u0008\u000b\u000c\u001b\u001f""#),
      ("\u{7e}\u{7f}\u{80}\u{85}\u{9f}\u{a0}", "\"~\\u007f\\u0080\\u0085\\u009f\u{a0}\""),
      ("\u{61b}\u{61c}\u{61d}", "\"\u{61b}\\u061c\u{61d}\""),
      ("\u{200d}\u{200e}\u{200f}\u{2010}", "\"\u{200d}\\u200e\\u200f\u{2010}\""),
      ("\u{2027}\u{2028}\u{2029}\u{202a}\u{202e}\u{202f}", "\"\u{2027}\\u2028\\u2029\\u202a\\u202e\u{202f}\""),
      ("\u{2065}\u{2066}\u{2069}\u{206a}", "\"\u{2065}\\u2066\\u2069\u{206a}\""), ("é€😀\u{301}", "\"é€😀\u{301}\""),
      ("\r\n", #""\r\n""#), ("👩‍👩‍👧‍👦", "\"👩‍👩‍👧‍👦\""),
    ])
  func strings(_ text: String, _ expected: String) {
    let json = written { $0.string(text) }
    #expect(Array(json.utf8) == Array(expected.utf8))
  }

  @Test("a line from elsewhere stays what it means, and plays no tricks on a terminal")
  func foreignLines() {
    func line(_ json: String) -> String { written { $0.line(Array(json.utf8)) } }
    #expect(line(#"{"type":"later","a":[1,{"b":"\u202e\n"}]}"#) == #"{"type":"later","a":[1,{"b":"\u202e\n"}]}"#)
    #expect(line("{\"t\":\"é€😀 \u{9b}2J\u{202e}\u{2028}\u{7f}\"}") == #"{"t":"é€😀 \u009b2J\u202e\u2028\u007f"}"#)
  }

  @Test("every scalar is read back as it was")
  func everyScalar() throws {
    var object = JSONObject()
    for start in stride(from: UInt32(0), through: 0x10ffff, by: 0x400) {
      var text = ""
      for value in start..<start + 0x400 {
        if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
      }
      var writer = JSONWriter()
      writer.begin("x")
      writer.field("text", text)
      writer.end()
      writer.bytes.removeLast()
      try object.parse(writer.bytes.span.bytes)
      guard case .string(let range, let isEscaped)? = object.value("text", writer.bytes.span.bytes) else {
        Issue.record("\(start)")
        continue
      }
      let read = JSONObject.text(range, isEscaped: isEscaped, writer.bytes.span.bytes)
      #expect(read.utf8.elementsEqual(text.utf8))
    }
  }

  @Test("nothing that moves a terminal's cursor is written raw")
  func noControls() {
    for value in UInt32(0)...0xffff {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let isControl = scalar.properties.generalCategory == .control
      let isBidi = scalar.properties.isBidiControl
      guard isControl || isBidi else { continue }
      let json = written { $0.string(String(Character(scalar))) }
      #expect(json.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "\(value)")
    }
  }

  @Test(
    "an integer is written with all its digits",
    arguments: [
      (0, "0"), (1, "1"), (-1, "-1"), (9, "9"), (10, "10"), (-10, "-10"), (99, "99"), (100, "100"),
      (1 << 53 - 1, "9007199254740991"), (.max, "9223372036854775807"), (.min, "-9223372036854775808"),
      (.min + 1, "-9223372036854775807"), (1_000_000_000_000_000_000, "1000000000000000000"),
    ] as [(Int64, String)])
  func integers(_ value: Int64, _ text: String) {
    #expect(written { $0.integer(value) } == text)
  }

  @Test("fields follow the type, what is absent is left out")
  func fields() {
    let line = written { out in
      out.begin("x")
      out.field("s", "a")
      out.field("none", nil as String?)
      out.field("i", -5)
      out.field("no_int", nil as Int64?)
      out.field("t", true)
      out.field("f", false)
      out.flag("on", true)
      out.flag("off", false)
      out.field("list", ["a", "b\n"])
      out.field("empty", [])
      out.field("id", someID)
      out.field("no_id", nil as MessageID?)
      out.field("time", Timestamp(milliseconds: 0))
      out.field("no_time", nil as Timestamp?)
      out.end()
    }
    #expect(
      line == #"{"type":"x","s":"a","i":-5,"t":true,"f":false,"on":true,"list":["a","b\n"],"empty":[],"#
        + "\"id\":\"\(someIDText)\",\"time\":\"1970-01-01T00:00:00.000Z\"}\n")
  }

  @Test("lines follow one another in the same bytes")
  func appends() {
    let lines = written { out in
      for _ in 0..<2 {
        out.begin("a")
        out.end()
      }
    }
    #expect(lines == "{\"type\":\"a\"}\n{\"type\":\"a\"}\n")
  }
}
