import QQProtocol
import Testing

@Suite struct AliasesTests {
  @Test("a name stands for its target, whatever its case, and everything else for itself")
  func resolving() throws {
    let aliases = try Aliases(text: "# mine\nprinter 192.168.1.5  # in the hall\n\n\tboss\talice-laptop\r\nus @ops\n")
    #expect(aliases.entries.map(\.name) == ["boss", "printer", "us"])
    #expect(aliases.resolve("printer") == "192.168.1.5")
    #expect(aliases.resolve("Printer") == "192.168.1.5")
    #expect(aliases.resolve("us") == "@ops")
    #expect(aliases.resolve("bob") == "bob")
    #expect(aliases.resolve("@printer") == "@printer")
    #expect(aliases.name(of: "192.168.1.5") == "printer")
    #expect(aliases.name(of: "bob") == nil)
    #expect(try Aliases(text: aliases.text) == aliases)
  }

  @Test("setting one again replaces it, and an alias of an alias is resolved at once")
  func setting() throws {
    var aliases = Aliases()
    try aliases.set("printer", to: "192.168.1.5")
    try aliases.set("Printer", to: "192.168.1.6")
    #expect(aliases.entries == [.init(name: "Printer", target: "192.168.1.6")])
    try aliases.set("paper", to: "printer")
    #expect(aliases.resolve("paper") == "192.168.1.6")
    let removed = [aliases.remove("PAPER"), aliases.remove("paper")]
    #expect(removed == [true, false])
    #expect(aliases.resolve("paper") == "paper")
  }

  @Test(
    "what can be no alias is told, with its line",
    arguments: [
      ("printer", "line 1: a name and a target are expected"), ("\na b c", "line 2: a name and a target are expected"),
      ("192.168.1.5 bob", "line 1: \"192.168.1.5\" can be no alias"), ("@ops bob", "line 1: \"@ops\" can be no alias"),
      ("bob bob", "line 1: \"bob\" would stand for itself"), ("x b!b", "line 1: \"b!b\" can be no target"),
    ])
  func faults(_ text: String, _ message: String) {
    let fault = #expect(throws: AliasFault.self) { try Aliases(text: text) }
    #expect(fault?.message.hasPrefix(message) == true, "\(fault?.message ?? "")")
  }
}
