import QQProtocol
import Testing

@Suite struct NearestNameTests {
  @Test(
    "the nearest name is found, whatever is mistyped",
    arguments: [
      ("bbo", ["alice", "bob", "carol"], "bob"), ("alcie", ["alice", "bob"], "alice"), ("alic", ["alice"], "alice"),
      ("allice", ["alice"], "alice"), ("ALICE", ["alice", "alicf"], "alice"), ("bob", ["bob", "bobb"], "bob"),
      ("histroy", ["history", "listen"], "history"), ("straße", ["STRASSE"], "STRASSE"), ("李雷", ["李电", "王芳"], "李电"),
      ("b", ["c"], "c"), ("abcdef", ["abcdxy"], "abcdxy"), ("caro", ["karl", "carl", "carol"], "carl"),
    ] as [(String, [String], String)])
  func found(_ name: String, _ candidates: [String], _ expected: String) {
    #expect(NearestName.nearest(to: name, among: candidates) == expected)
    #expect(NearestName.nearest(to: name, among: candidates.reversed()) == expected)
  }

  @Test(
    "nothing is proposed where nothing is near",
    arguments: [
      ("bob", []), ("bob", ["alice"]), ("bob", ["bxx"]), ("abcde", ["abcxy"]), ("abcdef", ["abcxyz"]), ("", ["a"]),
      ("b", [""]),
      ("ca", ["abc"]), (String(repeating: "a", count: 65), [String(repeating: "a", count: 65)]),
      ("a", [String(repeating: "a", count: 100_000)]),
    ] as [(String, [String])])
  func nothing(_ name: String, _ candidates: [String]) {
    let nearest = NearestName.nearest(to: name, among: candidates)
    #expect(nearest == (name == "b" && candidates == [""] ? "" : nil))
  }
}
