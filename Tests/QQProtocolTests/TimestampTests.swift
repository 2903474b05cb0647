import QQProtocol
import Testing

@Suite struct TimestampTests {
  @Test(
    "a time is shown in UTC with three digits of fraction, and read back",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (86_399_999, "1970-01-01T23:59:59.999Z"),
      (1_795_421_702_113, "2026-11-23T08:15:02.113Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_709_251_199_007, "2024-02-29T23:59:59.007Z"),
      (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (-62_162_121_600_000, "0000-02-29T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func described(_ milliseconds: Int64, _ text: String) {
    #expect(Timestamp(milliseconds: milliseconds).description == text)
    #expect(Timestamp(text)?.milliseconds == milliseconds)
  }

  @Test("years beyond four digits are shown as the first and the last time that has them")
  func clamped() {
    #expect(Timestamp(milliseconds: .min).description == "0000-01-01T00:00:00.000Z")
    #expect(Timestamp(milliseconds: -62_167_219_200_001).description == "0000-01-01T00:00:00.000Z")
    #expect(Timestamp(milliseconds: 253_402_300_800_000).description == "9999-12-31T23:59:59.999Z")
    #expect(Timestamp(milliseconds: .max).description == "9999-12-31T23:59:59.999Z")
  }

  @Test("writing appends 24 bytes")
  func write() {
    var bytes: [UInt8] = Array("time=".utf8)
    Timestamp(milliseconds: 1).write(into: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "time=1970-01-01T00:00:00.001Z")
  }

  @Test("every day of four centuries is read back as itself, a day after the one before")
  func everyDay() throws {
    let first = try #require(Timestamp("1899-12-31")).milliseconds
    for day in 0..<Int64(146_097) {
      let time = Timestamp(milliseconds: first + day * 86_400_000 + 43_200_001)
      guard Timestamp(time.description) == time else {
        Issue.record("\(time)")
        return
      }
    }
    #expect(Timestamp(milliseconds: first + 146_097 * 86_400_000).description == "2299-12-31T00:00:00.000Z")
  }

  @Test(
    "the forms of RFC 3339 are read, and a bit more",
    arguments: [
      ("2026-11-23T08:15:02Z", "2026-11-23T08:15:02.000Z"), ("2026-11-23t08:15:02z", "2026-11-23T08:15:02.000Z"),
      ("2026-11-23 08:15:02Z", "2026-11-23T08:15:02.000Z"), ("2026-11-23T08:15:02", "2026-11-23T08:15:02.000Z"),
      ("2026-11-23", "2026-11-23T00:00:00.000Z"), ("2026-11-23T08:15:02.1Z", "2026-11-23T08:15:02.100Z"),
      ("2026-11-23T08:15:02.12", "2026-11-23T08:15:02.120Z"), ("2026-11-23T08:15:02.1239Z", "2026-11-23T08:15:02.123Z"),
      ("2026-11-23T08:15:02.123456789Z", "2026-11-23T08:15:02.123Z"),
      ("2026-11-23T08:15:02+02:00", "2026-11-23T06:15:02.000Z"),
      ("2026-11-23T08:15:02.5-03:30", "2026-11-23T11:45:02.500Z"),
      ("2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00.000Z"),
      ("2026-11-23T08:15:02-00:00", "2026-11-23T08:15:02.000Z"),
      ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"), ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999Z"),
      ("0000-01-01T00:00:00+01:00", "0000-01-01T00:00:00.000Z"),
    ])
  func read(_ text: String, _ expected: String) {
    #expect(Timestamp(text)?.description == expected)
  }

  @Test(
    "a zone that leads out of the years with four digits stops at their ends",
    arguments: [
      ("0000-01-01T00:00:00+23:59", -62_167_219_200_000), ("9999-12-31T23:59:59-23:59", 253_402_300_799_999),
    ] as [(String, Int64)])
  func ends(_ text: String, _ milliseconds: Int64) {
    #expect(Timestamp(text) == Timestamp(milliseconds: milliseconds))
  }

  @Test(
    "what is no time is refused",
    arguments: [
      "", "2026", "2026-11", "2026-11-2", "2026-11-23T", "2026-11-23T08", "2026-11-23T08:15", "2026-11-23T08:15:0",
      "2026-11-23T08:15:02.", "2026-11-23T08:15:02.Z", "2026-11-23T08:15:02.1234567890Z", "2026-11-23T08:15:02+2:00",
      "2026-11-23T08:15:02+0200", "2026-11-23T08:15:02+24:00", "2026-11-23T08:15:02+01:60", "2026-11-23T08:15:02ZZ",
      "2026-11-23T24:00:00Z", "2026-11-23T08:60:00Z", "2026-11-23T08:15:61Z", "2026-00-01", "2026-13-01", "2026-01-00",
      "2026-01-32", "2026-04-31", "2026-02-29", "1900-02-29", "2024-02-30", "-026-01-01", "+2026-01-01", "2026/11/23",
      " 2026-11-23", "2026-11-23 ", "2026-11-23Z", "２026-11-23", "2026-11-23_08:15:02Z", "99999-01-01",
      String(repeating: "9", count: 100_000), "2026-11-23T08:15:02." + String(repeating: "1", count: 100_000),
    ])
  func refused(_ text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test("arithmetic stops at the ends")
  func arithmetic() {
    let time = Timestamp(milliseconds: 1000)
    #expect(time + 5 == Timestamp(milliseconds: 1005))
    #expect(time - 1500 == Timestamp(milliseconds: -500))
    #expect(time - Timestamp(milliseconds: 400) == 600)
    #expect(Timestamp(milliseconds: .max) + 1 == Timestamp(milliseconds: .max))
    #expect(Timestamp(milliseconds: .min) + -1 == Timestamp(milliseconds: .min))
    #expect(Timestamp(milliseconds: .min) - 1 == Timestamp(milliseconds: .min))
    #expect(time - Int64.min == Timestamp(milliseconds: .max))
    #expect(Timestamp(milliseconds: .min) - Timestamp(milliseconds: .max) == .min)
    #expect(Timestamp(milliseconds: 0) - Timestamp(milliseconds: .min) == .max)
    #expect(time < time + 1)
  }
}
