import QQProtocol
import Testing

@Suite struct JSONObjectTests {
  /// The members' values by key, or the error.
  private func parse(_ text: [UInt8]) -> Result<JSONObject, ErrorCode> {
    var object = JSONObject()
    do throws(ErrorCode) {
      try object.parse(text.span.bytes)
      return .success(object)
    } catch {
      return .failure(error)
    }
  }

  private func value(of text: String) -> JSONObject.Value? {
    let line = Array(#"{"v":\#(text)}"#.utf8)
    return try? parse(line).get().value("v", line.span.bytes)
  }

  private func error(_ text: [UInt8]) -> ErrorCode? {
    if case .failure(let code) = parse(text) { code } else { nil }
  }

  @Test(
    "a value is told apart by its kind and found at its place",
    arguments: [
      (#""abc""#, .string(6..<9, isEscaped: false)), (#""""#, .string(6..<6, isEscaped: false)),
      (#""a\nb""#, .string(6..<10, isEscaped: true)), ("0", .integer(0)), ("-0", .integer(0)), ("-1", .integer(-1)),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775807", .integer(-.max)),
      ("-9223372036854775808", .number(5..<25)), ("9223372036854775808", .number(5..<24)),
      ("99999999999999999999999999", .number(5..<31)), ("1e999", .number(5..<10)), ("1E+9", .number(5..<9)),
      ("1.50", .number(5..<9)), ("-0.0e-0", .number(5..<12)), ("0e0", .number(5..<8)), ("true", .bool(true)),
      ("false", .bool(false)), ("[]", .array(5..<7)), ("[ 1 , [ ] ]", .array(5..<16)), ("{}", .object(5..<7)),
      (#"{"a":{"b":[]}}"#, .object(5..<19)), ("\t\r\n [] ", .array(9..<11)),
    ] as [(String, JSONObject.Value)])
  func values(_ text: String, _ value: JSONObject.Value) {
    #expect(self.value(of: text) == value)
  }

  @Test("null is as if the key were absent")
  func null() {
    #expect(parse(Array(#"{"v":null}"#.utf8)).isSuccess)
    #expect(value(of: "null") == nil)
  }

  @Test(
    "what is not one strict JSON object is malformed",
    arguments: [
      "", " ", "[]", "1", #""a""#, "null", "{", "}", "{}}", "{}{}", "{} x", "{},", #"{"a":1"#, #"{"a":1,"#,
      #"{"a":1,}"#,
      #"{,"a":1}"#, #"{"a" 1}"#, #"{"a":}"#, #"{"a"}"#, #"{"a":1 "b":2}"#, "{a:1}", "{'a':1}", #"{1:1}"#, #"{null:1}"#,
      #"{"a":1}/**/"#, #"{"a":/**/1}"#, #"{"a":[1,]}"#, #"{"a":[,1]}"#, #"{"a":[1 2]}"#, #"{"a":[1}"#, #"{"a":]}"#,
      #"{"a":[}]}"#, #"{"a":tru}"#, #"{"a":True}"#, #"{"a":truex}"#, #"{"a":nul"#, #"{"a":nan}"#, #"{"a":NaN}"#,
      #"{"a":Infinity}"#, #"{"a":-Infinity}"#, #"{"a":undefined}"#, "{\"a\":1\u{a0}}", "{\u{c}}", "{\"a\":1\u{0}}",
      "\u{0}{}", "{}\u{0}",
    ])
  func malformed(_ text: String) {
    #expect(error(Array(text.utf8)) == .malformed)
  }

  @Test(
    "a number is written as RFC 8259 has it",
    arguments: [
      "01", "-01", "00", "+1", "-", "--1", ".5", "5.", "-.5", "1.e1", "1e", "1e+", "1e-", "1ee1", "1e1.5", "1.2.3",
      "0x10", "1_000", "1,0", "0b1", "١", "1f", "00.1", "-00",
    ])
  func badNumbers(_ text: String) {
    #expect(value(of: text) == nil)
    #expect(error(Array(#"{"v":\#(text)}"#.utf8)) == .malformed)
  }

  @Test(
    "a string is unescaped",
    arguments: [
      (#""""#, ""), (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041""#, "A"),
      (#""\u00e9\u00E9""#, "éé"), (#""\u0000""#, "\u{0}"), (#""a\u0000b""#, "a\u{0}b"), (#""\uFFFF""#, "\u{ffff}"),
      (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00!""#, "😀!"), (#""\udbff\udfff""#, "\u{10ffff}"), (#""é€😀""#, "é€😀"),
      (#""\\u0041""#, #"\u0041"#), (#""12345678\n12345678""#, "12345678\n12345678"), ("\"\u{7f}\"", "\u{7f}"),
      ("\"\u{80}\u{9f}\"", "\u{80}\u{9f}"), ("\"\u{2028}\"", "\u{2028}"), ("\"\u{feff}\"", "\u{feff}"),
    ])
  func strings(_ text: String, _ string: String) throws {
    let line = Array(#"{"v":\#(text)}"#.utf8)
    guard case .string(let range, let isEscaped)? = try parse(line).get().value("v", line.span.bytes) else {
      Issue.record("no string")
      return
    }
    let read = JSONObject.text(range, isEscaped: isEscaped, line.span.bytes)
    #expect(Array(read.utf8) == Array(string.utf8))
  }

  @Test(
    "a string that is no text is malformed",
    arguments: [
      #"""#, #""a"#, #""\"#, #""\""#, #""\x41""#, #""\a""#, #""\u""#, #""\u004""#, #""\u004g""#, #""\u+041""#,
      #""\ud800""#, #""\udc00""#, #""\udfff""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\u0041""#, #""\ud800\ud800""#,
      #""\ude00\ud83d""#, #""\ud83d\u""#, #""\ud83d\ude0""#, #""\U0041""#, "\"\n\"", "\"\t\"", "\"\u{0}\"",
      "\"\u{1f}\"", "\"1234567\u{1f}89\"",
    ])
  func badStrings(_ text: String) {
    #expect(error(Array(#"{"v":\#(text)}"#.utf8)) == .malformed)
  }

  @Test("a control character is found wherever it stands among eight bytes", arguments: 0..<24)
  func everyPlace(_ place: Int) {
    for byte in [0x00, 0x01, 0x0a, 0x1f, 0x22, 0x5c, 0x80, 0xff] as [UInt8] {
      var line = Array("{\"v\":\"".utf8) + Array(repeating: UInt8(ascii: "a"), count: 24) + Array("\"}".utf8)
      line[6 + place] = byte
      #expect(error(line) == (byte >= 0x80 ? .badUTF8 : .malformed), "\(byte) at \(place)")
    }
    for byte in [0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7e, 0x7f] as [UInt8] {
      var line = Array("{\"v\":\"".utf8) + Array(repeating: UInt8(ascii: "a"), count: 24) + Array("\"}".utf8)
      line[6 + place] = byte
      #expect(error(line) == nil, "\(byte) at \(place)")
    }
  }

  @Test(
    "what is no UTF-8 is told apart from what is no JSON",
    arguments: [
      [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc2], [0xc2, 0x41], [0xe0, 0x80, 0x80], [0xe0, 0x9f, 0xbf],
      [0xe2, 0x82], [0xe2, 0x28, 0xa1], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x80, 0x80, 0x80],
      [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x9f, 0x98], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80], [0xfe], [0xff],
    ] as [[UInt8]])
  func badUTF8(_ bytes: [UInt8]) {
    let inValue = Array("{\"v\":\"".utf8) + bytes + Array("\"}".utf8)
    let inKey = Array("{\"".utf8) + bytes + Array("\":1}".utf8)
    let inArray = Array("{\"v\":[\"".utf8) + bytes + Array("\"]}".utf8)
    #expect(error(inValue) == .badUTF8)
    #expect(error(inKey) == .badUTF8)
    #expect(error(inArray) == .badUTF8)
    #expect(error(Array("{\"v\":\"".utf8) + bytes) != nil)
  }

  @Test(
    "the edges of well-formed UTF-8 are text",
    arguments: [
      [0xc2, 0x80], [0xdf, 0xbf], [0xe0, 0xa0, 0x80], [0xe1, 0x80, 0x80], [0xed, 0x9f, 0xbf], [0xee, 0x80, 0x80],
      [0xef, 0xbf, 0xbf], [0xf0, 0x90, 0x80, 0x80], [0xf1, 0x80, 0x80, 0x80], [0xf4, 0x8f, 0xbf, 0xbf],
    ] as [[UInt8]])
  func goodUTF8(_ bytes: [UInt8]) {
    #expect(error(Array("{\"v\":\"".utf8) + bytes + Array("\"}".utf8)) == nil)
  }

  @Test("a byte order mark and UTF-16 are malformed")
  func otherEncodings() {
    let object = #"{"type":"ping"}"#
    #expect(error([0xef, 0xbb, 0xbf] + Array(object.utf8)) == .malformed)
    for isBig in [true, false] {
      let units = object.utf16.flatMap { unit in
        let pair = [UInt8(unit >> 8), UInt8(unit & 0xff)]
        return isBig ? pair : pair.reversed()
      }
      #expect(error(units) == .malformed)
      #expect(error((isBig ? [0xfe, 0xff] : [0xff, 0xfe]) + units) == .malformed)
    }
  }

  @Test(
    "a key stands once, however it is written, at any depth",
    arguments: [
      #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":1}"#, #"{"\u0061":1,"a":1}"#,
      #"{"\u0061":1,"\u0061":1}"#, #"{"a\/b":1,"a/b":2}"#, #"{"":1,"":2}"#, #"{"x":{"a":1,"a":2}}"#,
      #"{"x":[{"a":1,"\u0061":2}]}"#, #"{"é":1,"\u00e9":2}"#, #"{"😀":1,"\ud83d\ude00":2}"#, #"{"a":null,"a":1}"#,
    ])
  func duplicates(_ text: String) {
    #expect(error(Array(text.utf8)) == .malformed)
  }

  @Test("keys that differ as bytes are different keys")
  func differentKeys() {
    for text in [#"{"a":1,"A":2}"#, #"{"é":1,"e\u0301":2}"#, #"{"a":1,"a ":2}"#, #"{"a":{"a":{"a":1}}}"#] {
      #expect(error(Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test("a key written with escapes is found by its text")
  func escapedKey() throws {
    let line = Array(#"{"x":1,"\u0074\u0079pe":"a"}"#.utf8)
    #expect(try parse(line).get().value("type", line.span.bytes) == .string(25..<26, isEscaped: false))
    #expect(try parse(line).get().value("typ", line.span.bytes) == nil)
  }

  @Test("16 levels are allowed and 17 are not, of objects, arrays and both")
  func depth() {
    for levels in 1...40 {
      let arrays = "{\"v\":" + String(repeating: "[", count: levels - 1) + String(repeating: "]", count: levels - 1)
      let objects = String(repeating: "{\"v\":", count: levels) + "1" + String(repeating: "}", count: levels)
      let expected: ErrorCode? = levels > 16 ? .malformed : nil
      if levels > 1 { #expect(error(Array((arrays + "}").utf8)) == expected) }
      #expect(error(Array(objects.utf8)) == expected)
    }
    #expect(error(Array(("{\"v\":[" + String(repeating: "{\"v\":[", count: 8)).utf8)) == .malformed)
  }

  @Test("a tower of brackets costs nothing but an error", arguments: [513, 100_000])
  func towers(_ count: Int) {
    for bracket in ["[", "{\"a\":", "[[{\"a\":"] {
      #expect(error(Array(String(repeating: bracket, count: count).utf8)) == .malformed)
      #expect(error(Array(("{\"v\":" + String(repeating: bracket, count: count)).utf8)) == .malformed)
    }
  }

  @Test("brackets within a string are text")
  func bracketsInStrings() {
    #expect(error(Array("{\"v\":\"\(String(repeating: "[{", count: 513))\"}".utf8)) == nil)
  }

  @Test("64 members are allowed and 65 are not")
  func members() {
    func object(_ count: Int) -> String {
      "{" + (0..<count).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
    }
    #expect(error(Array(object(64).utf8)) == nil)
    #expect(error(Array(object(65).utf8)) == .malformed)
    #expect(error(Array("{\"v\":\(object(65))}".utf8)) == .malformed)
  }

  @Test("an object parsed after another, or after a bad one, knows nothing of it")
  func reuse() throws {
    var object = JSONObject()
    let first = Array(#"{"a":1,"b":2}"#.utf8)
    let bad = Array(#"{"c":3,"#.utf8)
    let second = Array(#"{"b":"x"}"#.utf8)
    try object.parse(first.span.bytes)
    #expect(object.value("a", first.span.bytes) == .integer(1))
    #expect(throws: ErrorCode.malformed) { try object.parse(bad.span.bytes) }
    try object.parse(second.span.bytes)
    #expect(object.value("a", second.span.bytes) == nil)
    #expect(object.value("b", second.span.bytes) == .string(6..<7, isEscaped: false))
  }

  @Test(
    "an array of strings is read, and nothing else is one",
    arguments: [
      ("[]", []), (#"["a"]"#, ["a"]), (#"[ "a" , "b\n" , "" ]"#, ["a", "b\n", ""]), (#"["a","b","c","d"]"#, nil),
      ("[1]", nil), (#"["a",1]"#, nil), (#"["a",["b"]]"#, nil), (#"[null]"#, nil), (#"[{"a":"b"}]"#, nil),
    ] as [(String, [String]?)])
  func arrays(_ text: String, _ strings: [String]?) throws {
    let line = Array(#"{"v":\#(text)}"#.utf8)
    guard case .array(let range)? = try parse(line).get().value("v", line.span.bytes) else {
      Issue.record("no array")
      return
    }
    #expect(JSONObject.strings(range, limit: 3, line.span.bytes) == strings)
  }

  @Test("every beginning of an object is malformed, never a trap")
  func truncations() {
    let line = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00é€😀",{"b":null,"c":true}],"d":false}"#.utf8)
    #expect(error(line) == nil)
    for length in 0..<line.count {
      #expect(error(Array(line[..<length])) != nil, "\(length)")
    }
  }
}

extension Result {
  fileprivate var isSuccess: Bool {
    if case .success = self { true } else { false }
  }
}
