import Testing

@testable import QQCommands

@Suite struct CommandRunnerTests {
  @Test("the targets that a command is told stay well below what the system takes in one string")
  func targets() {
    #expect(CommandRunner.joined([]) == ("", false))
    #expect(CommandRunner.joined(["bob", "@ops"]) == ("bob,@ops", false))
    let long = (0..<256).map { "\($0)" + String(repeating: "x", count: 1_000) }
    let (text, isCut) = CommandRunner.joined(long)
    #expect(isCut && text.utf8.count <= 32 << 10)
    #expect(text == long.prefix(32).joined(separator: ","))
    #expect(CommandRunner.joined([String(repeating: "x", count: 200_000)]) == ("", true))
  }
}
