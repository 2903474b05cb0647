import ArgumentParser
import QQClient
import QQIdentity
import QQProtocol
import QQTransport
import Synchronization

struct Invite: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invite", abstract: "Print a token that lets one user into the hub.",
    discussion: """
      The token works once, and until it expires. It carries the hub's address and key and a secret: hand it over where \
      nobody reads along. Whoever gets it runs "qq accept". Owners of a hub invite (see "qq serve --owner"), with \
      --members-invite everybody does; "qq admin invites" lists invites, "qq admin revoke" ends one.
      """)

  @OptionGroup var options: GlobalOptions

  @Option(name: .customLong("for"), help: .init("The nick of who uses it; kept free for that.", valueName: "nick"))
  var nickFor: String?

  @Option(help: .init("How long it can be used.", valueName: "duration"))
  var expires: DurationOption = .init(milliseconds: 86_400_000)

  @Option(
    help: .init(
      "Where the hub is for who uses it, as from outside a LAN; may be given several times.",
      valueName: "host[:port]"))
  var address: [String] = []

  func validate() throws {
    for text in address where Endpoint(text) == nil {
      throw ValidationError("--address \"\(text)\": HOST, HOST:PORT or [IPV6]:PORT is where a hub is")
    }
    if expires.milliseconds <= 0 { throw ValidationError("--expires takes a time from now on, such as 2h or 7d") }
  }

  func run() async throws {
    let context = try await CommandContext.find(options)
    guard !context.isPlaintext else {
      throw CommandFailure(.usage, "an invite carries the hub's key: leave out --plaintext")
    }
    let secret: [UInt8] = (0..<InviteToken.secretBytes).map { _ in .random(in: 0...(.max)) }
    let frame = ClientFrame.invite(
      ref: 1, hash: Digest(of: secret), nick: nickFor, lifetime: expires.milliseconds)
    let made = Made()
    try await request(context, frame) { line in
      guard case .invite(let invite) = line.frame else { return false }
      made.invite.withLock { $0 = invite }
      return true
    }
    guard let invite = made.invite.withLock(\.self) else { return }
    // The key that the hub has just proved to have, and no other: who takes the token will trust it.
    let key = try await provedKey(context)
    let token = InviteToken(endpoints: try await places(context, key), fingerprint: key, secret: secret)
    try show(token, invite, context.output)
  }

  private final class Made: Sendable {
    let invite = Mutex<HubFrame.Invite?>(nil)
  }

  private func provedKey(_ context: CommandContext) async throws -> Fingerprint {
    if case .pin(let key, _) = try context.trust() { return key }
    // An authority vouches for its name; the key is what it has now.
    return try await HubProbe.key(of: context.endpoint, within: context.timeout ?? 10_000)
  }

  /// Where who isn't on this machine finds the hub: as it was named here. This machine's own addresses stand for
  /// loopback where they lead to the same hub, and loopback stays for other accounts on this machine.
  private func places(_ context: CommandContext, _ key: Fingerprint) async throws -> [Endpoint] {
    let named = address.compactMap { Endpoint($0, otherwise: context.endpoint.port) }
    guard named.isEmpty, context.endpoint.isLoopback else { return named.isEmpty ? [context.endpoint] : named }
    let own = LocalNetworks.current().reachable.map { Endpoint(host: $0.description, port: context.endpoint.port) }
    var leading: Set<Endpoint> = []
    for await finding in HubProbe.findings(at: own, within: 1_000) {
      if case .success(key) = finding.key { leading.insert(finding.endpoint) }
    }
    if leading.isEmpty {
      context.output.note(
        "the hub listens on this machine's loopback alone: nobody else can use this invite (see --address)")
    }
    return own.filter(leading.contains).prefix(InviteToken.maximumEndpoints - 1) + [context.endpoint]
  }

  private func show(_ token: InviteToken, _ invite: HubFrame.Invite, _ output: Output) throws {
    let whom = invite.nick.map { "\"\($0)\"" } ?? "whoever uses it first"
    output.note("invite \(invite.id) for \(whom), until \(invite.expires): \"qq accept\" takes it")
    try output.show(text: token.text) { json in
      json.begin("invite")
      json.field("id", invite.id)
      json.field("token", token.text)
      json.field("nick", invite.nick)
      json.field("expires", invite.expires)
      json.field("hubs", token.endpoints.map(\.description))
      json.field("fingerprint", token.fingerprint.description)
      json.end()
    }
  }
}
