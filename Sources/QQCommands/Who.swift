import ArgumentParser
import QQClient
import QQProtocol

struct Who: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "who", abstract: "Print who is online.",
    discussion: "Online is who listens; a passing \"qq send\" makes nobody online.")

  @OptionGroup var options: GlobalOptions

  @Flag(help: "Also users who aren't online.")
  var all = false

  @Flag(help: "The hubs on the LAN instead.")
  var hubs = false

  @Flag(help: "Go on with who comes and goes; a hub that is gone is no longer \"proved\".")
  var watch = false

  @Option(help: .init("Wait until this user is online.", valueName: "nick"), completion: LiveCompletion.nicks)
  var wait: String?

  func validate() throws {
    if hubs && (all || wait != nil) { throw ValidationError("--hubs goes with --watch alone") }
    if watch && wait != nil { throw ValidationError("--watch and --wait exclude each other") }
  }

  func run() async throws {
    if hubs { return try await Hubs(context: CommandContext(options)).show(watches: watch) }
    let context = try await CommandContext.find(options)
    if let wait {
      try await waitFor(wait, context)
    } else if watch {
      try await follow(context)
    } else {
      try await request(context, .who(.init(ref: 1, all: all))) { line in
        if case .user = line.frame { try context.output.show([line.withoutRef]) }
        if case .ok = line.frame { return true }
        return false
      }
    }
  }

  private func follow(_ context: CommandContext) async throws {
    let all = all
    let link = try context.link()
    let limit = context.timeout
    let body: @Sendable () async throws -> Void = {
      try await HubLinks.keep(link, notice: { context.note($0) }) { link, lines in
        try await link.write([.who(.init(ref: 1, all: all, watch: true))])
        while let batch = try await lines.next() {
          try context.output.show(batch.filter(\.isAboutUsers).map(\.withoutRef))
        }
        return .lost
      }
    }
    if let limit { _ = try await within(limit) { try await body() } } else { try await body() }
  }

  private func waitFor(_ nick: String, _ context: CommandContext) async throws {
    let link = try context.link()
    guard let wanted = try? Nick(context.aliases.resolve(nick)) else {
      throw CommandFailure(.usage, "\"\(nick)\" can't be a nick")
    }
    let limit = context.timeout ?? 10_000
    let found: Void? = try await within(limit) {
      try await HubLinks.keep(link, notice: { context.note($0) }) { link, lines in
        try await link.write([.who(.init(ref: 1, watch: true))])
        while let batch = try await lines.next() {
          for line in batch {
            switch line.frame {
            case .user(let user) where user.online && (try? Nick(user.nick)) == wanted:
              try context.output.show([line.withoutRef])
              return .finished
            case .presence(let presence) where presence.online && (try? Nick(presence.nick)) == wanted:
              // Who has come is shown as whoever was here before is.
              try await link.write([.who(.init(ref: 2))])
            default: break
            }
          }
        }
        return .lost
      }
    }
    if found == nil {
      throw CommandFailure(
        .temporary, "\"\(nick)\" was not online within \(DurationText.describe(milliseconds: limit))")
    }
  }
}

extension HubLine {
  fileprivate var isAboutUsers: Bool {
    switch frame {
    case .user, .presence: true
    default: false
    }
  }

  /// As an event, without what only the protocol needs.
  var withoutRef: HubLine {
    guard var frame else { return self }
    switch frame {
    case .user(var user):
      user.ref = nil
      frame = .user(user)
    case .invite(var invite):
      invite.ref = nil
      frame = .invite(invite)
    case .status(var status):
      status.ref = nil
      frame = .status(status)
    case .backup(var backup):
      backup.ref = nil
      frame = .backup(backup)
    default: return self
    }
    var writer = JSONWriter(reserving: 256)
    frame.encode(into: &writer)
    return HubLine(frame: frame, bytes: writer.bytes.dropLast())
  }
}
