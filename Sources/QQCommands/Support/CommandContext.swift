import QQClient
import QQIdentity
import QQProtocol

/// Everything a command works with: where the hub is, who the user is, and where output goes. Built once from flags,
/// environment and configuration files, in this order of precedence.
struct CommandContext: Sendable {
  let output: Output
  let endpoint: Endpoint
  /// Where the hub's name comes from; nil where none was named.
  let hubSource: String?
  /// The hub that was entered or found before, where none was named.
  let remembered: RememberedHub?
  /// The identity's name, and whether a person chose it.
  let nick: String
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
    } else {
      nick = Nick.derived(from: Environment.account, host: nil).text
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

  /// How to connect. `within`: milliseconds until the hub's welcome.
  func link(within limit: Int64 = 10_000) throws -> LinkConfiguration {
    LinkConfiguration(
      endpoint: endpoint, security: isPlaintext ? .plaintext : .tls(try identity(), try trust()),
      hello: ClientFrame.Hello(
        nick: nick, isExplicit: isNickChosen, host: Environment.hostName, agent: "qq/\(Version.number)"),
      timeout: limit)
  }

  func identity() throws -> Identity {
    do throws(IdentityError) {
      return try IdentityStore(stateDirectory: stateDirectory).loadOrCreate(nick)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
  }

  /// An identity that was chosen by name goes with the nick; the account's own stays where it is found.
  /// `old`: its name, where that has changed since this command began.
  func renameIdentity(from old: String? = nil, to new: String) throws {
    let old = old ?? nick
    guard isNickChosen, !isPlaintext, new != old else { return }
    do throws(IdentityError) {
      try IdentityStore(stateDirectory: stateDirectory).rename(from: old, to: new)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
  }

  var knownHubs: KnownHubs { KnownHubs(stateDirectory: stateDirectory) }

  /// What is known of the hub's key. A first contact is trusted where a person named the hub, or it is on this
  /// machine; its key is remembered then.
  private func trust() throws -> Trust {
    // Whatever else was met at its address since.
    if let remembered { return .pin(remembered.fingerprint, file: RememberedHub.path(stateDirectory)) }
    do throws(IdentityError) {
      switch try knownHubs.lookup(host: endpoint.host, port: endpoint.port) {
      case .pin(let fingerprint): return .pin(fingerprint, file: knownHubs.path)
      case .ca(let hostname): return .authority(hostname: hostname)
      case nil: break
      }
    } catch {
      throw CommandFailure(.config, error.message)
    }
    let mayTrust = hubSource != nil || endpoint.isLoopback
    return .firstUse { [self] fingerprint in
      guard mayTrust else { return false }
      // Another may be known since this command started: by an earlier connection of its own, or by another command.
      try trust(endpoint, fingerprint)
      if !endpoint.isLoopback {
        output.note("first contact with the hub at \(endpoint): remembering its key \(fingerprint)")
      }
      return true
    }
  }

  /// Remembers a hub's key. Throws where another is known.
  func trust(_ endpoint: Endpoint, _ fingerprint: Fingerprint) throws {
    do throws(IdentityError) {
      try knownHubs.remember(host: endpoint.host, port: endpoint.port, .pin(fingerprint))
    } catch .otherwiseKnown {
      guard case .pin(let known)? = try knownHubs.lookup(host: endpoint.host, port: endpoint.port) else {
        // An authority vouches for it.
        return
      }
      throw ClientError.keyChanged(endpoint, expected: known, seen: fingerprint, file: knownHubs.path)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
  }

  /// The hub is the one that is used where none is named. False where one is, in a file or the environment.
  func useFromNowOn(_ endpoint: Endpoint, _ fingerprint: Fingerprint) throws -> Bool {
    do throws(IdentityError) {
      try RememberedHub(place: endpoint.description, fingerprint: fingerprint).save(stateDirectory: stateDirectory)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
    return hubSource == nil || hubSource == "--hub"
  }

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
