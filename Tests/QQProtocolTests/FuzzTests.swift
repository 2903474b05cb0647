import Glibc
import QQProtocol
import QQTestSupport
import Testing

@Suite struct FuzzTests {
  /// `QQ_FUZZ_INPUTS` asks for more; then the seed changes with it.
  private static let inputs = getenv("QQ_FUZZ_INPUTS").flatMap { Int(String(cString: $0)) } ?? 1_000_000

  @Test("a million mutated lines trap nothing, and what is understood means the same when it is written and read again")
  func codec() {
    var fuzzer = CodecFuzzer(seed: UInt64(Self.inputs))
    fuzzer.run(inputs: Self.inputs)
    #expect(fuzzer.violations == [])
    #expect(fuzzer.inputs == Self.inputs)
    // The mutations get somewhere: neither is all refused nor all taken, and every kind of fault comes up.
    #expect(fuzzer.clientFrames > Self.inputs / 100)
    #expect(fuzzer.hubFrames > Self.inputs / 100)
    for code in [ErrorCode.malformed, .badUTF8, .unknownType, .badField] {
      #expect(fuzzer.faults[code, default: 0] > Self.inputs / 500, "\(code)")
    }
  }

  @Test("a line of one byte or one opening, over and over, is refused")
  func repeated() {
    var decoder = FrameDecoder()
    for byte in UInt8.min...UInt8.max {
      #expect(clientFrame(Array(repeating: byte, count: ProtocolLimits.line), &decoder).code != nil)
    }
    for opening in ["{\"a\":", "[\"\\u0000\",", "{\"a\":1,", "{\"type\":\"send\"}", "\\ud83d\\ude00", "-0.0e-0,"] {
      let line = Array(String(repeating: opening, count: ProtocolLimits.line / opening.utf8.count).utf8)
      #expect(clientFrame(line, &decoder).code == .malformed)
      #expect(clientFrame(Array("{\"type\":".utf8) + line, &decoder).code == .malformed)
    }
  }
}
