import QQProtocol
import Testing

@Suite struct LineFramerTests {
  private typealias Fed = (lines: [[UInt8]], error: ErrorCode?)

  private func feed(_ framer: inout LineFramer, _ chunk: [UInt8]) -> Fed {
    var lines: [[UInt8]] = []
    do throws(ErrorCode) {
      try framer.feed(chunk.span.bytes) { line throws(ErrorCode) in
        lines.append(line.withUnsafeBytes { Array($0) })
      }
      return (lines, nil)
    } catch {
      return (lines, error)
    }
  }

  private func lines(_ framer: inout LineFramer, _ chunk: String) -> [String] {
    feed(&framer, Array(chunk.utf8)).lines.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    "lines end at a newline, a carriage return before it is dropped",
    arguments: [
      ("", [], 0), ("a", [], 1), ("a\n", ["a"], 0), ("a\nb", ["a"], 1), ("\n", [""], 0), ("\n\n\n", ["", "", ""], 0),
      ("a\r\n", ["a"], 0), ("\r\n", [""], 0), ("a\r\r\n", ["a\r"], 0), ("a\rb\n", ["a\rb"], 0), ("a\r", [], 2),
      ("12345678\n1234567\n123456789\n", ["12345678", "1234567", "123456789"], 0),
      ("\u{0}\u{b}\u{8a}\u{10a}\n", ["\u{0}\u{b}\u{8a}\u{10a}"], 0),
    ])
  func chunks(_ chunk: String, _ expected: [String], _ pending: Int) {
    var framer = LineFramer()
    let read = feed(&framer, Array(chunk.utf8))
    #expect(read.lines == expected.map { Array($0.utf8) })
    #expect(read.error == nil)
    #expect(framer.pending == pending)
  }

  @Test("wherever the stream is cut, once or twice, the lines are the same")
  func cuts() {
    let stream = Array("{\"a\":1}\r\n\r\n\nshort\na line of more than eight bytes\r\nlast\n".utf8)
    let expected = ["{\"a\":1}", "", "", "short", "a line of more than eight bytes", "last"].map { Array($0.utf8) }
    for first in 0...stream.count {
      for second in first...stream.count {
        var framer = LineFramer()
        var lines: [[UInt8]] = []
        for chunk in [stream[..<first], stream[first..<second], stream[second...]] {
          lines += feed(&framer, Array(chunk)).lines
        }
        #expect(lines == expected, "cut at \(first) and \(second)")
        #expect(framer.pending == 0)
      }
    }
  }

  @Test("a newline is found at every place among eight bytes, whatever is beside it")
  func everyPlace() {
    for place in 0..<32 {
      for filler in [0x00, 0x09, 0x0b, 0x0d, 0x8a, 0xff] as [UInt8] {
        var chunk = Array(repeating: filler, count: 32)
        chunk[place] = 0x0a
        var framer = LineFramer()
        let lines = feed(&framer, chunk).lines
        #expect(lines.count == 1)
        let dropped = filler == 0x0d && place > 0 ? 1 : 0
        #expect(lines.first?.count == place - dropped)
        #expect(framer.pending == 31 - place)
      }
    }
  }

  @Test("a line of exactly 256 KiB is taken, one byte more is too long, whole or in pieces")
  func limit() {
    for piece in [1 << 20, 65_536, 1_000, 1 << 17] {
      for length in [ProtocolLimits.line, ProtocolLimits.line + 1] {
        let stream = Array(repeating: UInt8(ascii: "x"), count: length) + [0x0a]
        var framer = LineFramer()
        var lines: [[UInt8]] = []
        var error: ErrorCode?
        for start in stride(from: 0, to: stream.count, by: piece) where error == nil {
          let fed = feed(&framer, Array(stream[start..<min(start + piece, stream.count)]))
          lines += fed.lines
          error = fed.error
        }
        #expect(lines.map(\.count) == (length == ProtocolLimits.line ? [length] : []))
        #expect(error == (length == ProtocolLimits.line ? nil : .lineTooLong))
      }
    }
  }

  @Test("a line that never ends is refused as soon as it is too long, the lines before it are given")
  func endless() {
    var framer = LineFramer(limit: 10)
    #expect(lines(&framer, "one\ntwo\n1234567890") == ["one", "two"])
    #expect(framer.pending == 10)
    let fed = feed(&framer, [UInt8(ascii: "1")])
    #expect(fed.error == .lineTooLong)
    #expect(framer.pending == 10)
    var other = LineFramer(limit: 10)
    let both = feed(&other, Array("one\n12345678901".utf8))
    #expect(both.lines == [Array("one".utf8)])
    #expect(both.error == .lineTooLong)
  }

  @Test("many lines in one chunk are given in their order")
  func many() {
    var framer = LineFramer()
    let expected = (0..<50_000).map { "line \($0)" }
    #expect(lines(&framer, expected.joined(separator: "\n") + "\n") == expected)
    #expect(framer.pending == 0)
  }

  @Test("nothing is kept once a long line is whole")
  func released() {
    var framer = LineFramer()
    _ = feed(&framer, Array(repeating: 1, count: 200_000))
    #expect(framer.pending == 200_000)
    #expect(feed(&framer, Array("\nab".utf8)).lines.first?.count == 200_000)
    #expect(framer.pending == 2)
  }

  @Test("an error of the one who takes the lines comes back, and no more lines are given")
  func thrown() {
    var framer = LineFramer()
    var count = 0
    #expect(throws: ErrorCode.malformed) {
      try framer.feed(Array("a\nb\nc\n".utf8).span.bytes) { _ throws(ErrorCode) in
        count += 1
        if count == 2 { throw .malformed }
      }
    }
    #expect(count == 2)
  }
}
