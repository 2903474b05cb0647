import QQProtocol

/// Which events a reader wants. Pure.
struct EventFilter: Sendable {
  private var types: Set<String> = []
  private var from: Set<String> = []
  private var targets: [Target] = []
  private var pattern: Pattern?

  /// A regular expression never changes once it is made, which its type doesn't say.
  private struct Pattern: @unchecked Sendable {
    let regex: Regex<AnyRegexOutput>
  }

  private static let known: Set<String> = ["message", "file", "complete", "presence", "gap"]

  /// Lists are joined by commas. Throws `CommandFailure` with status 64.
  init(
    targets: String? = nil, from: String? = nil, match: String? = nil, types: String? = nil,
    aliases: Aliases = Aliases()
  ) throws {
    for type in types.map(Target.split) ?? [] {
      guard Self.known.contains(type) else {
        throw CommandFailure(
          .usage, "there are no events of the type \"\(type)\": message, file, complete, presence and gap are")
      }
      self.types.insert(type)
    }
    for nick in from.map(Target.split) ?? [] { self.from.insert(Self.folded(aliases.resolve(nick))) }
    for text in targets.map(Target.split) ?? [] {
      do throws(NickFault) {
        self.targets.append(try Target(aliases.resolve(text)))
      } catch {
        throw CommandFailure(.usage, "\"\(text)\" is no target: \(error.message)")
      }
    }
    if let match {
      do {
        pattern = Pattern(regex: try Regex(match))
      } catch {
        throw CommandFailure(.usage, "--match \"\(match)\" is no regular expression")
      }
    }
  }

  var isEverything: Bool { types.isEmpty && from.isEmpty && targets.isEmpty && pattern == nil }
  var wantsPresence: Bool { types.contains("presence") }

  func accepts(_ frame: HubFrame) -> Bool {
    switch frame {
    case .message(let message): accepts("message", message.from, message.address, message.to, message.text)
    case .file(let file): accepts("file", file.from, file.address, file.to, file.info.name)
    case .complete(let complete): accepts("complete", complete.from, "", complete.to, complete.name)
    case .presence(let presence):
      types.contains("presence") && (from.isEmpty || from.contains(Self.folded(presence.nick)))
    case .gap: types.isEmpty || types.contains("gap")
    case .welcome, .ok, .sent, .error, .receipt, .user, .invite, .status, .backup, .pong, .chunk, .end, .progress: false
    }
  }

  private func accepts(_ type: String, _ sender: String, _ address: String, _ to: [String], _ text: String) -> Bool {
    (types.isEmpty || types.contains(type))
      && (from.isEmpty || from.contains(Self.folded(sender)))
      && (targets.isEmpty || targets.contains { Self.concerns(sender, address, to, $0) })
      && (pattern.map { (try? $0.regex.firstMatch(in: text)) != nil } ?? true)
  }

  /// A conversation with a user is what that user sent directly, or was sent by name.
  private static func concerns(_ sender: String, _ from: String, _ to: [String], _ target: Target) -> Bool {
    switch target {
    case .group(let group): to.contains { (try? GroupName($0)) == group && $0.hasPrefix("@") }
    case .nick(let nick):
      to.contains { (try? Nick($0)) == nick }
        || ((try? Nick(sender)) == nick && to.contains { !$0.hasPrefix("@") })
    case .address(let address): IPAddress(from) == address || to.contains { IPAddress($0) == address }
    }
  }

  private static func folded(_ nick: String) -> String {
    (try? Nick(nick))?.folded ?? nick
  }
}
