import ArgumentParser
import QQClient
import QQProtocol

/// What owners of a hub do.
struct Admin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "admin", abstract: "See and change who may come into the hub, and back it up.",
    discussion: """
      For owners of the hub: the user who started it, and those named by "qq serve --owner". Invites are listed and \
      revoked by whoever made them, too.
      """,
    subcommands: [Members.self, Remove.self, Restore.self, Invites.self, Revoke.self, Backup.self])

  struct Members: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print all users with their keys, those who were removed included.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = try await CommandContext.find(options)
      try await request(context, .who(.init(ref: 1, all: true, removed: true))) { line in
        if case .user = line.frame { try context.output.withKeys.show([line.withoutRef]) }
        if case .ok = line.frame { return true }
        return false
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a user in no more; the user's sessions end at once.",
      discussion: """
        The key is refused from then on, wherever it comes from, and the nick stays taken. Whoever the hub admits \
        uninvited may still come again with a new key: see "qq serve --invite-only".
        """)

    @OptionGroup var options: GlobalOptions
    @Argument(
      help: .init("The user, by nick or by key (SHA256:…).", valueName: "user"), completion: LiveCompletion.nicks)
    var user: String

    func run() async throws {
      let context = try await CommandContext.find(options)
      let name = context.aliases.resolve(user)
      try await request(context, .remove(ref: 1, user: name)) { .removed($0.nick ?? name) }
    }
  }

  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a user in again who was removed.",
      discussion: """
        What was said before is the user's again, also what is unread of it; what was said meanwhile stays unheard, and \
        the user is in no group.
        """)

    @OptionGroup var options: GlobalOptions
    @Argument(
      help: .init("The user, by nick or by key (SHA256:…).", valueName: "user"), completion: LiveCompletion.nicks)
    var user: String

    func run() async throws {
      let context = try await CommandContext.find(options)
      let name = context.aliases.resolve(user)
      try await request(context, .restore(ref: 1, user: name)) { .restored($0.nick ?? name) }
    }
  }

  struct Invites: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print invites: open, used by whom, expired, revoked.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
      let context = try await CommandContext.find(options)
      try await request(context, .invites(ref: 1)) { line in
        if case .invite = line.frame { try context.output.show([line.withoutRef]) }
        if case .ok = line.frame { return true }
        return false
      }
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "End an invite that wasn't used yet.")

    @OptionGroup var options: GlobalOptions
    @Argument(
      help: .init("The invite, as \"qq admin invites\" names it.", valueName: "id"), completion: LiveCompletion.invites)
    var invite: String

    func run() async throws {
      let context = try await CommandContext.find(options)
      let name = invite
      try await request(context, .revoke(ref: 1, invite: name)) { _ in .revoked(name) }
    }
  }
  struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Have the hub make a backup of its data, while it goes on.",
      discussion: """
        On the hub's machine, in its folder for backups (see "qq serve --backups"): a folder that is named by the time in \
        UTC, with messages, users, files and the hub's key as of one moment. BACKUPS in \
        qq-admin(1) says how one is restored: whoever reads on is told.
        """)

    @OptionGroup var options: GlobalOptions
    @Option(help: .init("Keep so many of the newest and remove older ones.", valueName: "count"))
    var keep: Int?

    func validate() throws {
      if let keep, keep < 1 { throw ValidationError("--keep takes 1 or more") }
    }

    func run() async throws {
      let context = try await CommandContext.find(options)
      // A journal of many gigabytes takes its time.
      do {
        try await request(context, .backup(ref: 1, keep: keep.map { Int64($0) }), within: 3_600_000) { line in
          guard case .backup = line.frame else { return false }
          try context.output.show([line.withoutRef])
          return true
        }
      } catch ClientError.timedOut(let hub) {
        throw CommandFailure(
          .temporary, "the hub at \(hub) isn't done yet, and goes on: its log says when the backup is made")
      }
    }
  }
}
