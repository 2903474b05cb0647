import QQClient
import QQIdentity
import QQProtocol

/// Everything a command works with: where the hub is, who the user is, and where output goes. Built once from flags,
/// environment and configuration files, in this order of precedence.
struct CommandContext: Sendable {
  let output: Output
  var endpoint: Endpoint
  /// Where the hub's name comes from; nil where none was named.
  let hubSource: String?
  /// The hub that was entered or found before, where none was named.
  var remembered: RememberedHub?
  /// The identity's name, and whether a person chose it.
  private(set) var nick: String
  let isNickChosen: Bool
  /// Milliseconds, where one was given.
  let timeout: Int64?
  let isPlaintext: Bool
  let stateDirectory: String
  let aliases: Aliases

  init(_ options: GlobalOptions) throws {
    try self.init(options.settings)
  }

  init(_ settings: CommonSettings, environment: Environment = .current()) throws {
    output = Output(settings.output, environment)
    let path = environment.configDirectory + "/config.json"
    let file = try Configuration.load(path).over(try Configuration.load("/etc/qq/config.json"))
    stateDirectory = environment.stateDirectory
    aliases = try AliasFile(environment).load()

    let named: (text: String, source: String)? =
      settings.hub.map { ($0, "--hub") } ?? environment["QQ_HUB"].map { ($0, "QQ_HUB") }
      ?? file.hub.map { ($0, "config.json") }
    if let named {
      guard let endpoint = Endpoint(named.text) else {
        throw CommandFailure(
          named.source == "config.json" ? .config : .usage,
          "\"\(named.text)\" (\(named.source)) is no hub: HOST, HOST:PORT or [IPV6]:PORT is")
      }
      self.endpoint = endpoint
      remembered = nil
    } else {
      remembered = try RememberedHub.load(stateDirectory: stateDirectory)
      endpoint = remembered.flatMap { Endpoint($0.place) } ?? Endpoint(host: "127.0.0.1")
    }
    hubSource = named?.source

    let onCommandLine = settings.nick ?? environment["QQ_NICK"]
    let chosen = onCommandLine ?? file.nick
    isNickChosen = chosen != nil
    if let chosen {
      do {
        nick = try Nick(chosen).text
      } catch {
        let source = onCommandLine == nil ? " (config.json)" : ""
        throw CommandFailure(
          onCommandLine == nil ? .config : .usage, "\"\(chosen)\"\(source) can't be a nick: \(error.message)")
      }
    } else if let identity = remembered?.identity, let known = try? Nick(identity) {
      nick = known.text
    } else {
      nick = Self.ownNick
    }
    if let text = file.timeout, settings.timeout == nil {
      guard let milliseconds = DurationText.milliseconds(text) else {
        throw CommandFailure(.config, "\(path): \"timeout\" must be a duration such as \"10s\"")
      }
      timeout = milliseconds
    } else {
      timeout = settings.timeout
    }
    isPlaintext = settings.plaintext || file.plaintext == true
  }

  /// The identity of this account where nobody chose another.
  private static var ownNick: String { Nick.derived(from: Environment.account, host: nil).text }

  /// The same for another hub than the one that was used before, whose identity is its own.
  func elsewhere() -> CommandContext {
    var context = self
    context.remembered = nil
    if !isNickChosen { context.nick = Self.ownNick }
    return context
  }

  /// How to connect. `within`: milliseconds until the hub's welcome.
  func link(within limit: Int64 = 10_000) throws -> LinkConfiguration {
    let hello = ClientFrame.Hello(
      nick: nick, isExplicit: isNickChosen, host: Environment.hostName, agent: "qq/\(Version.number)")
    guard !isPlaintext else {
      return LinkConfiguration(endpoint: endpoint, security: .plaintext, hello: hello, timeout: limit)
    }
    let trust = try trust()
    return LinkConfiguration(
      endpoint: endpoint, security: .tls(try identity(), trust), hello: hello, timeout: limit, relocate: relocate(trust)
    )
  }

  func identity() throws -> Identity {
    do throws(IdentityError) {
      return try IdentityStore(stateDirectory: stateDirectory).loadOrCreate(nick)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
  }

  /// An identity that was chosen by name goes with the nick, also where it is the one for the hub that is used where
  /// none is named; the account's own stays where it is found.
  /// `old`: its name, where that has changed since this command began. `asked`: the nick that the user wanted. A hub that
  /// answers with another names no file here.
  func renameIdentity(from old: String? = nil, to new: String, askedFor asked: String) throws {
    let old = old ?? nick
    guard let answered = try? Nick(new), let wanted = try? Nick(asked), answered.text == wanted.text else {
      throw CommandFailure(
        .protocolError, "the hub at \(endpoint) answers with the nick \"\(new)\" where \"\(asked)\" was asked for")
    }
    guard isNickChosen, !isPlaintext, new != old else { return }
    do throws(IdentityError) {
      try IdentityStore(stateDirectory: stateDirectory).rename(from: old, to: new)
      if var hub = try RememberedHub.load(stateDirectory: stateDirectory), hub.identity == old {
        hub.identity = new
        try hub.save(stateDirectory: stateDirectory)
      }
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
  }

  var knownHubs: KnownHubs { KnownHubs(stateDirectory: stateDirectory) }

  /// The targets that a list joined by commas names, aliases resolved.
  func targets(_ list: String) -> [String] { Target.split(list).map(aliases.resolve) }

  func note(_ notice: LinkNotice) {
    switch notice {
    case .lost(let error): output.note("\(error.message); connecting again")
    case .restored(let endpoint): output.note("connected to \(endpoint) again")
    }
  }

  /// A fault that the hub answered, as an error of this command.
  func failure(_ failure: HubFrame.Failure) -> CommandFailure {
    CommandFailure(ExitStatus(code: failure.code), "\(failure.message) (hub \(endpoint))")
  }
}

enum Version {
  static let number = "0.1.0"
}
