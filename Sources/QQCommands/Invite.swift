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

  @Option(help: .init("How long it can be used, such as 2h or 7d.", valueName: "age"))
  var expires: AgeOption = .init(milliseconds: 86_400_000)

  @Option(
    help: .init(
      "Where the hub is for who uses it, as from outside a LAN; may be given several times.",
      valueName: "host[:port]"))
  var address: [String] = []

  func validate() throws {
    for text in address where Endpoint(text) == nil {
      throw ValidationError("--address \"\(text)\": HOST, HOST:PORT or [IPV6]:PORT is where a hub is")
    }
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
    do {
      let hub = try await request(context, frame) { line in
        guard case .invite(let invite) = line.frame else { return false }
        made.invite.withLock { $0 = invite }
        return true
      }
      // The key that the hub has just proved to have, and no other: who takes the token will trust it.
      guard let invite = made.invite.withLock(\.self), let key = hub.fingerprint else {
        throw ClientError.lost(hub.endpoint)
      }
      let endpoints = await places(hub.endpoint, key, context.output)
      try show(InviteToken(endpoints: endpoints, fingerprint: key, secret: secret), invite, context.output)
    } catch {
      // What the hub refused to make isn't there.
      let isRefused = error is CommandFailure && made.invite.withLock(\.self) == nil
      if !isRefused { await withdraw(Digest(of: secret), context) }
      throw error
    }
  }

  /// Nobody has seen it. Also after an interruption, which a task of its own doesn't share.
  private func withdraw(_ hash: Digest, _ context: CommandContext) async {
    let id = HubFrame.Invite.id(hash)
    let task = Task {
      _ = try? await within(1_500) { try await request(context, .revoke(ref: 1, invite: id)) { _ in true } }
    }
    await task.value
  }

  private final class Made: Sendable {
    let invite = Mutex<HubFrame.Invite?>(nil)
  }

  /// Where who isn't on this machine finds the hub: where it answered. This machine's own addresses stand for loopback
  /// where they lead to the same hub: on another machine loopback would be whatever listens there.
  private func places(_ hub: Endpoint, _ key: Fingerprint, _ output: Output) async -> [Endpoint] {
    let named = address.compactMap { Endpoint($0, otherwise: hub.port) }
    guard named.isEmpty, hub.isLoopback else { return named.isEmpty ? [hub] : named }
    let own = LocalNetworks.current().reachable.map { Endpoint(host: $0.description, port: hub.port) }
    var leading: Set<Endpoint> = []
    for await finding in HubProbe.findings(at: own, within: 1_000) {
      if case .success(key) = finding.key { leading.insert(finding.endpoint) }
    }
    guard leading.isEmpty else { return own.filter(leading.contains) }
    output.note("the hub listens on this machine's loopback alone: nobody else can use this invite (see --address)")
    return [hub]
  }

  private func show(_ token: InviteToken, _ invite: HubFrame.Invite, _ output: Output) throws {
    let whom = invite.nick.map { "\"\($0)\"" } ?? "whoever uses it first"
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
    output.note("invite \(invite.id) for \(whom), until \(invite.expires): \"qq accept\" takes it")
  }
}
