import ArgumentParser

/// The root of the commands.
public struct QQ: AsyncParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "qq",
    abstract: "Messages and files between machines and people around one hub.",
    discussion: """
      One machine runs "qq serve". Everybody else sends with "qq send TARGETS TEXT" and "qq sendfile TARGETS FILE", where \
      a target is a nick, an address or a @group, and reads with "qq listen". Output is JSON Lines in a pipe and text on \
      a terminal.
      """,
    version: Version.number,
    subcommands: [
      Serve.self, Send.self, SendFile.self, Listen.self, Chat.self, Get.self, Who.self, History.self, Join.self,
      Leave.self,
      NickCommand.self, Alias.self, Invite.self, Accept.self, TrustCommand.self, Admin.self, Status.self,
      Whoami.self,
    ])

  public init() {}
}
