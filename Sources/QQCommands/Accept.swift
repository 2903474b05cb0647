import ArgumentParser
import QQClient
import QQIdentity
import QQProtocol

struct Accept: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept", abstract: "Enter a hub with an invite.",
    discussion: """
      The token that "qq invite" printed is read from standard input, or asked for on a terminal; it is never an \
      argument, which others could see. The hub's key comes with it, so that nothing has to be trusted at first sight. \
      From then on the hub is used where no other is named, and with --nick NAME that identity is used there.
      """)

  @OptionGroup var options: GlobalOptions

  /// Taken only to say where it belongs.
  @Argument(help: .hidden) var token: String?

  func validate() throws {
    if token != nil {
      throw ValidationError("a token is no argument, which others could see: \"qq accept\" asks for it, or reads it")
    }
    if options.plaintext { throw ValidationError("an invite is for a key, which --plaintext has none of") }
  }

  func run() async throws {
    var context = try CommandContext(options)
    let token = try await readToken(context)
    if context.remembered?.fingerprint != token.fingerprint { context = context.elsewhere() }
    let endpoint = try await find(token, context)
    try checkKnown(endpoint, token.fingerprint, context)
    var link = try context.link(within: context.timeout ?? 10_000)
    link.endpoint = endpoint
    link.security = .tls(try context.identity(), .pin(token.fingerprint, file: context.knownHubs.path))
    link.hello.invite = token.secretText
    // The invite says where to look.
    link.relocate = nil
    let welcome = try await HubLink.with(link) { link, _ in link.welcome }
    try context.trust(endpoint, token.fingerprint)
    let identity = context.isNickChosen ? context.nick : context.remembered?.identity
    let isUsed = try context.useFromNowOn(endpoint, token.fingerprint, identity: identity)
    let name = TextSafety.visible(welcome.hub)
    try context.output.show(text: "you are \(welcome.nick) on the hub \(name) at \(endpoint)") { json in
      json.begin("accepted")
      json.field("hub", endpoint.description)
      json.field("name", welcome.hub)
      json.field("nick", welcome.nick)
      json.field("fingerprint", token.fingerprint.description)
      json.end()
    }
    if !isUsed, let source = context.hubSource {
      context.output.note("\(source) names the hub \(context.endpoint): --hub \(endpoint) names this one")
    }
  }

  private func readToken(_ context: CommandContext) async throws -> InviteToken {
    guard let limit = context.timeout else { return try await readToken(context.output) }
    guard let token = try await within(limit, { try await readToken(context.output) }) else {
      throw CommandFailure(.temporary, "no invite came within \(DurationText.describe(milliseconds: limit))")
    }
    return token
  }

  private func readToken(_ output: Output) async throws -> InviteToken {
    let text: String
    if Descriptor.isTerminal(0) {
      text = try await StandardInput().readSecret {
        output.note("paste the invite that \"qq invite\" printed, and press Enter (it isn't shown)")
      } isWhole: {
        // Pasted from where it was wrapped it is several lines.
        (try? InviteToken($0)) != nil
      }
    } else {
      let bytes = try await StandardInput().readAll(limit: 64 << 10, tooLong: "that is no invite: it is too long")
      text = String(decoding: bytes, as: UTF8.self)
    }
    do throws(InviteToken.Fault) {
      return try InviteToken(text)
    } catch {
      throw CommandFailure(error == .empty ? .noInput : .noPermission, error.message)
    }
  }

  /// The first place that turns out to be the hub which the invite is from.
  private func find(_ token: InviteToken, _ context: CommandContext) async throws -> Endpoint {
    let places = options.hub == nil ? token.endpoints : [context.endpoint]
    var others: [String] = []
    var reasons: [any Error] = []
    for await finding in HubProbe.findings(at: places, within: context.timeout ?? 10_000, apart: 250) {
      switch finding.key {
      case .success(token.fingerprint): return finding.endpoint
      case .success(let other): others.append("the hub at \(finding.endpoint) is another one: its key is \(other)")
      case .failure(let error): reasons.append(error)
      }
    }
    if !others.isEmpty { others[others.count - 1] += ", and the invite is from \(token.fingerprint)" }
    let messages = reasons.map { Program.message(of: $0) } + others
    // The right one may be where nobody answered.
    let status = reasons.first.map { ($0 as? ClientError).map { ExitStatus($0) } ?? .unavailable } ?? .noPermission
    throw CommandFailure(status, messages.joined(separator: "; "))
  }

  /// Before the invite is used up.
  private func checkKnown(_ endpoint: Endpoint, _ key: Fingerprint, _ context: CommandContext) throws {
    guard case .pin(let known)? = try context.knownHubs.lookup(host: endpoint.host, port: endpoint.port),
      known != key
    else { return }
    throw CommandFailure(
      .noPermission,
      "the hub at \(endpoint) was known by the key \(known), and the invite is from one with \(key), which is there "
        + "now: if whoever sent it is right, \"qq trust --replace --key \(key) \(endpoint)\" says so, and the invite can "
        + "still be used then (the old key is known from \(context.knownHubs.path))")
  }
}
