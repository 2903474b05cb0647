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

  private static let known: Set<String> = ["message", "presence", "gap"]

  /// Lists are joined by commas. Throws `CommandFailure` with status 64.
  init(targets: String? = nil, from: String? = nil, match: String? = nil, types: String? = nil) throws {
    for type in types.map(Target.split) ?? [] {
      guard Self.known.contains(type) else {
        throw CommandFailure(.usage, "there are no events of the type \"\(type)\": message, presence and gap are")
      }
      self.types.insert(type)
    }
    for nick in from.map(Target.split) ?? [] { self.from.insert(Self.folded(nick)) }
    for text in targets.map(Target.split) ?? [] {
      do throws(NickFault) {
        self.targets.append(try Target(text))
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
    case .message(let message):
      (types.isEmpty || types.contains("message"))
        && (from.isEmpty || from.contains(Self.folded(message.from)))
        && (targets.isEmpty || targets.contains { Self.concerns(message, $0) })
        && (pattern.map { (try? $0.regex.firstMatch(in: message.text)) != nil } ?? true)
    case .presence(let presence):
      types.contains("presence") && (from.isEmpty || from.contains(Self.folded(presence.nick)))
    case .gap: types.isEmpty || types.contains("gap")
    case .welcome, .ok, .sent, .error, .receipt, .user, .pong: false
    }
  }

  /// A conversation with a user is what that user sent directly, or was sent by name.
  private static func concerns(_ message: HubFrame.Message, _ target: Target) -> Bool {
    switch target {
    case .group(let group): message.to.contains { (try? GroupName($0)) == group && $0.hasPrefix("@") }
    case .nick(let nick):
      message.to.contains { (try? Nick($0)) == nick }
        || ((try? Nick(message.from)) == nick && message.to.contains { !$0.hasPrefix("@") })
    case .address(let address):
      IPAddress(message.address) == address || message.to.contains { IPAddress($0) == address }
    }
  }

  private static func folded(_ nick: String) -> String {
    (try? Nick(nick))?.folded ?? nick
  }
}
