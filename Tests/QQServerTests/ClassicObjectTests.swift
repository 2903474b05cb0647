import QQProtocol
import Testing

@testable import QQServer

@Suite struct ClassicObjectTests {
  @Test(
    "what they say is understood, and what isn't theirs is not",
    arguments: [
      (
        "{\"type\":\"1\",\"sourceIP\":\"a\",\"destinationIP\":\"b\",\"content\":\"c\"}",
        ClassicSaid.message(to: "b", text: "c")
      ),
      ("{\"type\":\"2\",\"content\":\"c\"}", .message(to: nil, text: "c")),
      ("{\"type\": \"3\", \"content\": \"bye\"}", .bye),
      (
        "{\"type\":\"4\",\"destinationIP\":\"b\",\"filename\":\"f\",\"content\":\"c\"}",
        .file(to: "b", name: "f", text: "c")
      ),
      ("{\"type\":\"5\",\"filename\":\"f\",\"content\":\"c\"}", .file(to: nil, name: "f", text: "c")),
      ("{\"type\":\"hello\",\"protocol\":1}", nil), ("{\"type\":1,\"content\":\"c\"}", nil), ("{\"type\":\"1\"}", nil),
      ("{\"type\":\"2\",\"content\":[\"c\"]}", nil), ("{", nil),
    ] as [(String, ClassicSaid?)])
  func said(_ text: String, _ expected: ClassicSaid?) {
    #expect(ClassicSaid(Array(text.utf8)) == expected)
  }

  @Test("objects are found however the stream is cut")
  func framing() throws {
    let text = "{\"a\":\"}\\\"{\"} {\"b\":[{\"c\":1}]}\n{}"
    let objects = ["{\"a\":\"}\\\"{\"}", "{\"b\":[{\"c\":1}]}", "{}"]
    for size in 1...text.utf8.count {
      var framer = ClassicFramer()
      var found: [String] = []
      let bytes = Array(text.utf8)
      for start in stride(from: 0, to: bytes.count, by: size) {
        found += try framer.feed(bytes[start..<min(start + size, bytes.count)]).map {
          String(decoding: $0, as: UTF8.self)
        }
      }
      #expect(found == objects, "in pieces of \(size)")
    }
    var framer = ClassicFramer()
    #expect(throws: ClassicFramer.Fault.self) { try framer.feed(Array("x".utf8)) }
    var endless = ClassicFramer()
    #expect(throws: ClassicFramer.Fault.self) {
      try endless.feed([UInt8](repeating: UInt8(ascii: "{"), count: 300_000))
    }
  }

  @Test("no object is longer than one read, and nothing is lost")
  func sizes() {
    for text in [
      "", "short", String(repeating: "x", count: 5_000), String(repeating: "你\n", count: 999),
      String(repeating: "\u{1}", count: 500), "e" + String(repeating: "\u{301}", count: 2_000),
      String(repeating: "👨\u{200d}👩\u{200d}👧", count: 200),
    ] {
      let objects = ClassicObject.messages(from: "255.255.255.255", text)
      #expect(objects.allSatisfy { $0.count <= 1024 })
      let parts = objects.map {
        ClassicSaid(Array(String(decoding: $0, as: UTF8.self).replacing("sourceIP", with: "destinationIP").utf8))
      }
      #expect(
        parts.map { if case .message(_, let part) = $0 { part } else { "?" } }.joined().utf8.elementsEqual(text.utf8))
    }
    #expect(ClassicObject.users((0..<200).map { "192.168.100.\($0)" }).count <= 1024)
    #expect(ClassicObject.file(from: "10.0.0.1", name: "a", String(repeating: "x", count: 960)) != nil)
    #expect(ClassicObject.file(from: "10.0.0.1", name: "a", String(repeating: "x", count: 1_000)) == nil)
  }
}
