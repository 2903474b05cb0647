import ArgumentParser
import Glibc
import QQClient
import QQIdentity
import QQProtocol
import Synchronization

/// What a shell offers behind a command that is being typed: names that the hub, or a file, knows now. Answered soon or
/// not at all, and silent: nothing is printed beside, no key is made, and no hub is contacted that isn't known already.
enum LiveCompletion {
  /// How long the hub is given, in milliseconds.
  private static let patience: Int64 = 80
  /// Nobody looks through more.
  private static let mostNames = 20_000

  /// Nicks, groups and aliases, the last of a list joined by commas.
  static let targets = CompletionKind.custom { arguments, _, word in
    let names = names(arguments)
    return list(names.nicks + names.groups + names.aliases, word)
  }

  static let nicks = CompletionKind.custom { arguments, _, word in
    let names = names(arguments)
    return list(names.nicks + names.aliases, word)
  }

  static let groups = CompletionKind.custom { arguments, _, word in
    offered(names(arguments).groups.filter { $0 != "@all" }, word)
  }

  /// Hubs that are known.
  static let hubs = CompletionKind.custom { _, _, word in
    let known = try? KnownHubs(stateDirectory: Environment.current().stateDirectory).all()
    let places = offered((known ?? []).map(\.address.description), word)
    // What stands behind a colon is a description to zsh.
    return CompletionShell.requesting == .zsh ? places.map { $0.replacing(":", with: "\\:") } : places
  }

  /// Identities of this account.
  static let identities = CompletionKind.custom { _, _, word in
    let nicks = try? IdentityStore(stateDirectory: Environment.current().stateDirectory).list()
    return offered(nicks ?? [], word)
  }

  /// Files that were sent to this user and not saved yet.
  static let files = CompletionKind.custom { arguments, _, word in
    let lines = answers(arguments, .files(ref: 1, after: 0))
    return offered(lines.compactMap { if case .file(let file) = $0 { file.id.description } else { nil } }, word)
  }

  static let invites = CompletionKind.custom { arguments, _, word in
    let lines = answers(arguments, .invites(ref: 1))
    let ids = lines.compactMap { frame in
      if case .invite(let invite) = frame, invite.state == .open, HubFrame.Invite.isID(invite.id) {
        invite.id
      } else {
        nil
      }
    }
    return offered(ids, word)
  }

  /// What of these goes on with `word`, and may be given to a shell: all that is offered comes through here. Hubs, invites
  /// and files may say anything, and a shell, or a script of somebody else's, may evaluate what it is given. Pure.
  static func offered(_ names: [String], _ word: String) -> [String] {
    names.filter { $0.hasPrefix(word) && isSafe($0) }
  }

  /// Letters, digits and marks of any script; of ASCII's other characters those that no shell takes for its own within a
  /// word, and none that makes an option of it.
  static func isSafe(_ name: String) -> Bool {
    guard 1...1_024 ~= name.utf8.count, name.utf8.first != UInt8(ascii: "-"), TextSafety.visible(name) == name else {
      return false
    }
    return name.unicodeScalars.allSatisfy { scalar in
      guard scalar.isASCII else { return !scalar.properties.isWhitespace }
      return switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "@", "-", ".", "_", ":", "%", "[", "]", ",": true
      default: false
      }
    }
  }

  /// Those that go on with the last name of a list, each with what stands before it. Pure.
  static func list(_ names: [String], _ word: String) -> [String] {
    let start = word.lastIndex(of: ",").map { word.index(after: $0) } ?? word.startIndex
    let before = word[..<start]
    let given = before.split(separator: ",")
    var seen: Set<String> = []
    return offered(names, String(word[start...])).filter { name in
      !given.contains(name[...]) && seen.insert(name).inserted
    }.map { before + $0 }
  }

  // MARK: Asking

  private struct Names {
    var nicks: [String] = []
    var groups: [String] = []
    var aliases: [String] = []
  }

  private static func names(_ arguments: [String]) -> Names {
    var names = Names()
    names.aliases = (try? AliasFile(.current()).load().entries.map(\.name)) ?? []
    for case .user(let user) in answers(arguments, .who(.init(ref: 1, all: true))) {
      names.nicks.append(user.nick)
      names.groups += user.groups
    }
    // Text that a hub chose goes to a terminal: what isn't plain isn't offered.
    names.nicks = names.nicks.filter { (try? Nick($0)) != nil }.sorted()
    names.groups = Set(names.groups.filter { (try? GroupName($0)) != nil }).sorted()
    return names
  }

  /// What the hub answers in time, if it is one that is known. Waits for it: the parser asks a function that isn't
  /// asynchronous, on a thread of its own (see `Program`).
  private static func answers(_ arguments: [String], _ frame: ClientFrame) -> [HubFrame] {
    guard let link = link(arguments) else { return [] }
    let found = Found()
    Task {
      found.set((try? await within(patience) { try await ask(link, frame) }).flatMap(\.self) ?? [])
    }
    return found.wait()
  }

  private static func ask(_ link: LinkConfiguration, _ frame: ClientFrame) async throws -> [HubFrame] {
    try await HubLink.with(link) { link, lines in
      try await link.write([frame])
      var answers: [HubFrame] = []
      while let batch = try await lines.next() {
        for line in batch {
          switch line.frame {
          case .ok, .error: return answers
          case let frame?:
            guard answers.count < mostNames else { return answers }
            answers.append(frame)
          case nil: break
          }
        }
      }
      return answers
    }
  }

  /// Frames that one thread waits for.
  private final class Found: Sendable {
    private let frames = Mutex<[HubFrame]?>(nil)

    func set(_ new: [HubFrame]) { frames.withLock { $0 = new } }

    func wait() -> [HubFrame] {
      while true {
        if let frames = frames.withLock(\.self) { return frames }
        usleep(500)
      }
    }
  }

  private static func link(_ arguments: [String]) -> LinkConfiguration? {
    var settings = CommonSettings()
    settings.hub = value(of: "--hub", arguments)
    settings.nick = value(of: "--nick", arguments)
    settings.plaintext = arguments.contains("--plaintext")
    guard let context = try? CommandContext(settings), var link = try? context.knownLink(within: patience) else {
      return nil
    }
    link.relocate = nil
    return link
  }

  private static func value(of option: String, _ arguments: [String]) -> String? {
    if let index = arguments.lastIndex(of: option), index + 1 < arguments.count { return arguments[index + 1] }
    return arguments.last { $0.hasPrefix(option + "=") }.map { String($0.dropFirst(option.utf8.count + 1)) }
  }
}

extension CommandContext {
  /// How to connect, if nothing has to be made or trusted for it: nil where the user has no key or the hub isn't known.
  fileprivate func knownLink(within limit: Int64) throws -> LinkConfiguration? {
    guard !isPlaintext else { return endpoint.isLoopback ? try link(within: limit) : nil }
    let path = try IdentityStore(stateDirectory: stateDirectory).path(for: nick)
    guard access(path, R_OK) == 0 else { return nil }
    let link = try link(within: limit)
    if case .tls(_, .firstUse) = link.security { return nil }
    return link
  }
}
