import QQProtocol
import Testing

@Suite struct FileNameTests {
  private func fault(top name: String) -> String? {
    do throws(UnsafeName) {
      try FileName.check(top: name)
      return nil
    } catch {
      return error.reason
    }
  }

  private func fault(component name: String) -> String? {
    do throws(UnsafeName) {
      try FileName.check(component: name)
      return nil
    } catch {
      return error.reason
    }
  }

  /// What nobody may have opened here.
  static let hostile = [
    "", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "..\\x", "a\0b", "a\nb", "\u{1b}[2J", "a\u{7f}",
    "a\u{202e}gpj.exe",
    "a\u{200e}b", "\u{85}", "a\u{2028}b", String(repeating: "x", count: 256), String(repeating: "你", count: 86),
    "a" + String(repeating: "\u{301}", count: 40),
  ]

  @Test("names that lead elsewhere, can't be shown or don't fit are no entry of a folder", arguments: hostile)
  func components(_ name: String) {
    #expect(fault(component: name) != nil)
    #expect(fault(top: name) != nil)
  }

  @Test(
    "names that hide, look like options or mean devices are no names to save under, but may be in a folder",
    arguments: [
      ".bashrc", ".ssh", "-rf", "--help", "CON", "con", "nul.txt", "Aux.tar.gz", "com1", "LPT9.x", "COM¹", " x", "x ",
      "x.",
    ])
  func tops(_ name: String) {
    #expect(fault(top: name) != nil)
    #expect(fault(component: name) == nil)
  }

  @Test(
    "ordinary names in any script are fine",
    arguments: [
      "report.pdf", "a b (1).txt", "你好.txt", "naïve—“quoted”.md", "👩‍👩‍👧‍👦.png", "console", "x..y", "com10", "LPT",
      String(repeating: "x", count: 255), "e\u{301}.txt", "~", "#a", "a:b", "*",
    ])
  func fine(_ name: String) {
    #expect(fault(top: name) == nil)
  }

  @Test(
    "a number goes before the extension, and the whole fits",
    arguments: [
      ("report.pdf", "report (1).pdf"), ("photos", "photos (1)"), (".x", ".x (1)"), ("a.tar.gz", "a.tar (1).gz"),
      ("a.", "a (1)."),
      (String(repeating: "x", count: 255), String(repeating: "x", count: 251) + " (1)"),
      (String(repeating: "你", count: 85), String(repeating: "你", count: 83) + " (1)"),
      ("a.thisisnotanextension", "a.thisisnotanextension (1)"),
    ])
  func numbered(_ name: String, _ expected: String) {
    #expect(FileName.numbered(name, 1) == expected)
  }

  @Test(
    "bytes are shown in decimal units and read in both",
    arguments: [
      (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1.0 kB"), (48_213, "48.2 kB"), (999_949, "999.9 kB"),
      (999_950, "1.0 MB"), (8_589_934_592, "8.6 GB"), (Int64.max, "9223.4 PB"),
    ] as [(Int64, String)])
  func shown(_ count: Int64, _ text: String) {
    #expect(ByteCount.text(count) == text)
  }

  @Test(
    "sizes are read",
    arguments: [
      ("0", 0), ("1500", 1_500), ("10k", 10_000), ("500MB", 500_000_000), ("2G", 2_000_000_000),
      ("2GiB", 2_147_483_648),
      ("1 kB", 1_000), ("", nil), ("x", nil), ("-1", nil), ("1.5G", nil), ("1X", nil), ("9223372036854775807k", nil),
      ("1Gigs", nil),
    ] as [(String, Int64?)])
  func parsed(_ text: String, _ count: Int64?) {
    #expect(ByteCount.parse(text) == count)
  }
}
