import ArgumentParser
import QQClient
import QQProtocol

/// Sends one request and gives its answers to `take` until it says that this was the last. Says whom it was sent to.
/// `usual`: how long that may take where the user didn't say, in milliseconds.
@discardableResult
func request(
  _ context: CommandContext, _ frame: ClientFrame, within usual: Int64 = 10_000,
  take: @escaping @Sendable (HubLine) throws -> Bool
) async throws -> HubLink.Peer {
  let limit = context.timeout ?? usual
  let link = try context.link(within: min(limit, 10_000))
  let peer: HubLink.Peer? = try await within(limit) {
    try await HubLink.with(link) { link, lines in
      try await link.write([frame])
      while let batch = try await lines.next() {
        for line in batch {
          if case .error(let failure) = line.frame { throw context.failure(failure) }
          if try take(line) { return link.peer }
        }
      }
      throw ClientError.lost(link.peer.endpoint)
    }
  }
  guard let peer else { throw ClientError.timedOut(context.endpoint) }
  return peer
}

struct Join: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join", abstract: "Enter a group; lasts until you leave it. A group that isn't there is made.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "The group.", completion: LiveCompletion.groups) var group: String

  func run() async throws {
    let context = try await CommandContext.find(options)
    let name = try groupName(group)
    try await change(context, .join(ref: 1, group: name)) { .joined(name, seq: $0) }
  }
}

struct Leave: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "leave", abstract: "Leave a group.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "The group.", completion: LiveCompletion.groups) var group: String

  func run() async throws {
    let context = try await CommandContext.find(options)
    let name = try groupName(group)
    try await change(context, .leave(ref: 1, group: name)) { .left(name, seq: $0) }
  }
}

/// Asks for a change of membership and says that it is done.
private func change(
  _ context: CommandContext, _ frame: ClientFrame, _ deed: @escaping @Sendable (Int64?) -> Deed
) async throws {
  try await request(context, frame) { deed($0.seq) }
}

/// Asks for something and says that it is done.
func request(
  _ context: CommandContext, _ frame: ClientFrame, done: @escaping @Sendable (HubFrame.Ok) -> Deed
) async throws {
  try await request(context, frame) { line in
    guard case .ok(let ok) = line.frame else { return false }
    try context.output.show(done(ok))
    return true
  }
}

private func groupName(_ text: String) throws -> String {
  do throws(NickFault) {
    return try GroupName(text).description
  } catch {
    throw CommandFailure(.usage, "\"\(text)\" can't be a group: \(error.message)")
  }
}

struct NickCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nick", abstract: "Rename this user.",
    discussion: "Messages to the old nick still arrive, and nobody else can take it.")

  @OptionGroup var options: GlobalOptions
  @Argument(help: "The new nick.") var new: String

  func run() async throws {
    let context = try await CommandContext.find(options)
    try await request(context, .nick(ref: 1, nick: new)) { line in
      guard case .ok(let ok) = line.frame, let nick = ok.nick else { return false }
      try context.renameIdentity(to: nick, askedFor: new)
      try context.output.show(.renamed(nick))
      return true
    }
  }
}

extension Output {
  func show(_ deed: Deed) throws {
    try show(text: TextSafety.visible(deed.text)) { json in
      switch deed {
      case .joined(let group, let seq):
        json.begin("joined")
        json.field("group", group)
        json.field("seq", seq)
      case .left(let group, let seq):
        json.begin("left")
        json.field("group", group)
        json.field("seq", seq)
      case .renamed(let nick):
        json.begin("renamed")
        json.field("nick", nick)
      case .revoked(let invite):
        json.begin("revoked")
        json.field("invite", invite)
      case .removed(let nick):
        json.begin("removed")
        json.field("nick", nick)
      case .restored(let nick):
        json.begin("restored")
        json.field("nick", nick)
      case .uploaded(let sent, let info, let size, let hash):
        json.begin("sent")
        json.field("id", sent.id)
        json.field("seq", sent.seq)
        json.field("to", sent.to)
        json.field("status", sent.status)
        json.field("name", info.name)
        json.field("size", size)
        json.field("hash", hash.description)
        json.flag("duplicate", sent.isDuplicate)
      }
      json.end()
    }
  }
}
