import ArgumentParser
import QQClient
import QQIdentity
import QQProtocol

struct TrustCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust", abstract: "Trust a hub, and use it where none is named.",
    discussion: """
      Asks the hub for its key, remembers it, and prints it: compare it with what "qq serve" printed there, or give it \
      with --key. "qq who --hubs" lists the hubs on the LAN.
      """)

  @OptionGroup var options: OutputOptions

  @Option(help: .init("Trust it only with this key (SHA256:…).", valueName: "key"))
  var key: String?

  @Flag(help: "Forget what was known of the hub at this place before.")
  var replace = false

  @Option(help: .init("How long to wait.", valueName: "duration"))
  var timeout: DurationOption = .init(milliseconds: 10_000)

  @Argument(help: .init("Where the hub is.", valueName: "host[:port]"), completion: LiveCompletion.hubs)
  var hub: String

  func validate() throws {
    if Endpoint(hub) == nil { throw ValidationError("\"\(hub)\" is no hub: HOST, HOST:PORT or [IPV6]:PORT is") }
    if let key, Fingerprint(key) == nil {
      throw ValidationError("--key \"\(key)\": SHA256:… as \"qq serve\" prints it is a key")
    }
  }

  func run() async throws {
    guard let endpoint = Endpoint(hub) else { return }
    let context = try CommandContext(CommonSettings(output: options.settings))
    if !replace, case .ca(let hostname)? = try context.knownHubs.lookup(host: endpoint.host, port: endpoint.port) {
      // A key that it shows now would be less than what is known already.
      throw CommandFailure(
        .noPermission,
        "the hub at \(endpoint) is known by its certificate for \(hostname) already: --hub \(endpoint), or \"hub\" in "
          + "config.json, uses it; --replace trusts the key that it has now instead")
    }
    let found: Fingerprint
    do {
      found = try await HubProbe.key(of: endpoint, within: timeout.milliseconds)
    } catch ClientError.cannotResolve {
      throw CommandFailure(
        .noHost,
        "cannot find the host \"\(endpoint.host)\": \"qq who --hubs\" lists the hubs on the LAN with their addresses")
    }
    if let key, let expected = Fingerprint(key), expected != found {
      throw CommandFailure(.noPermission, "the hub at \(endpoint) has the key \(found), not \(expected)")
    }
    if replace { try context.knownHubs.forget(host: endpoint.host, port: endpoint.port) }
    try context.trust(endpoint, found)
    let before = try? RememberedHub.load(stateDirectory: context.stateDirectory)
    let isUsed = try context.useFromNowOn(
      endpoint, found, identity: before?.fingerprint == found ? before?.identity : nil)
    try context.output.show(text: "trusting the hub at \(endpoint), key \(found)") { json in
      json.begin("trusted")
      json.field("hub", endpoint.description)
      json.field("fingerprint", found.description)
      json.end()
    }
    if !isUsed, let source = context.hubSource {
      context.output.note("\(source) names the hub \(context.endpoint): that stays the one to use")
    }
  }
}
