import QQProtocol
import Testing

@Suite struct DurationTextTests {
  @Test(
    "a duration is read",
    arguments: [
      ("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000), ("7d", 604_800_000), ("90", 90_000),
      ("0", 0), ("0s", 0), ("000", 0), ("007s", 7000), ("1.5s", 1500), ("1.5", 1500), ("0.25h", 900_000),
      ("1.0d", 86_400_000),
      ("1.9ms", 1), ("0.0019s", 1), ("0.999999999d", 86_399_999), ("9223372036854775807ms", Int64.max),
      ("106751991167d", 9_223_372_036_828_800_000),
    ] as [(String, Int64)])
  func read(_ text: String, _ milliseconds: Int64) {
    #expect(DurationText.milliseconds(text) == milliseconds)
  }

  @Test(
    "what is no duration is refused",
    arguments: [
      "", "s", "ms", ".", ".5s", "5.s", "5.", "-1s", "+1s", "1 s", " 1s", "1s ", "1S", "1M", "1w", "1y", "1h30m", "1e3",
      "0x1",
      "1,5s", "1.5.5s", "1.1234567891s", "nan", "inf", "٣s", "9223372036854775808ms", "9223372036854775807",
      "9223372036854775807.9s", "106751991168d", "99999999999999999999999999s", String(repeating: "0", count: 100_000),
    ])
  func refused(_ text: String) {
    #expect(DurationText.milliseconds(text) == nil)
  }

  @Test(
    "a duration is described in the shortest way",
    arguments: [
      (0, "0s"), (1, "1ms"), (500, "500ms"), (999, "999ms"), (1000, "1s"), (1500, "1.5s"), (1050, "1.05s"),
      (12_345, "12.345s"), (60_000, "1m"), (90_000, "90s"), (61_001, "61.001s"), (5_400_000, "90m"), (3_600_000, "1h"),
      (86_400_000, "1d"), (129_600_000, "36h"), (604_800_000, "7d"), (-5, "0s"), (Int64.min, "0s"),
      (Int64.max, "9223372036854775.807s"),
    ] as [(Int64, String)])
  func described(_ milliseconds: Int64, _ text: String) {
    #expect(DurationText.describe(milliseconds: milliseconds) == text)
    #expect(DurationText.milliseconds(text) == max(0, milliseconds))
  }
}
