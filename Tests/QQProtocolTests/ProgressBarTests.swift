import Testing

@testable import QQProtocol

@Suite struct ProgressBarTests {
  @Test("a line has what fits: name and bar, then no bar, then no rate, then the figures alone")
  func widths() {
    let bar = ProgressBar(name: "report.pdf", done: 24_106_500, total: 48_213_000, rate: 12_000_000)
    #expect(
      bar.line(width: 79)
        == "report.pdf            [############------------]  50%  24.1 MB  12.0 MB/s  0:03")
    #expect(bar.line(width: 50) == "report.pdf           50%  24.1 MB  12.0 MB/s  0:03")
    #expect(bar.line(width: 36) == "report.pdf        50%  24.1 MB  0:03")
    #expect(bar.line(width: 20) == "50%  24.1 MB  0:03")
    #expect(bar.line(width: 5) == "50%  ")
    for width in 0...120 { #expect(bar.line(width: width).utf8.count <= width) }
  }

  @Test("what isn't known isn't said")
  func unknown() {
    #expect(ProgressBar(name: "pipe", done: 0, total: nil, rate: nil).line(width: 20) == "pipe         0 bytes")
    let empty = ProgressBar(name: "e", done: 0, total: 0, rate: nil)
    #expect(empty.line(width: 24) == "e          100%  0 bytes")
    #expect(ProgressBar(name: "x", done: .max, total: .max, rate: .max).line(width: 60).contains("99%") == false)
  }

  @Test("whatever a hub says is done, a line is made of it", arguments: [Int64.min, -1, 0, 1, 2, 1 << 53 - 1, .max])
  func absurd(_ done: Int64) {
    let began = ContinuousClock.now
    for total in [nil, 0, 1, 2, 1 << 53 - 1, .max] as [Int64?] {
      var meter = ProgressMeter(name: "x", done: 0, total: total, now: began)
      meter.update(done: done, total: total, now: began + .seconds(1))
      for width in [0, 1, 20, 80, 200] { #expect(meter.bar.line(width: width).utf8.count <= width) }
      let bar = ProgressBar(name: "x", done: done, total: total, rate: .max)
      for width in [0, 1, 20, 80, 200] { #expect(bar.line(width: width).utf8.count <= width) }
    }
  }

  @Test("wide characters keep the columns, and what could move the cursor is made visible")
  func names() {
    let wide = ProgressBar(name: "报告报告报告", done: 1, total: nil, rate: nil).line(width: 17)
    #expect(wide == "报告报告   1 byte")
    #expect(!ProgressBar(name: "\u{1b}[2Jx", done: 1, total: 2, rate: nil).line(width: 60).contains("\u{1b}"))
  }

  @Test("times left", arguments: [(0, "0:00"), (9, "0:09"), (75, "1:15"), (3_600, "1:00:00"), (90_061, "25:01:01")])
  func durations(_ seconds: Int64, _ text: String) {
    #expect(ProgressBar.duration(seconds) == text)
  }
}
