import ArgumentParser
import Glibc
import Logging
import NIOCore
import NIOSSL
import QQClient
import QQHub
import QQIdentity
import QQJournal
import QQJournalSQLite
import QQProtocol
import QQServer
import QQSpool
import QQTransport
import Synchronization

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the hub.",
    discussion: """
      By default whoever is on this machine or on a network it is directly connected to may become a user; --admit \
      adds networks, --open admits everybody, --invite-only nobody. Behind anything that rewrites source addresses (a \
      proxy, a container's port forward) --invite-only is the right choice. The hub's key and its journal are in the \
      data directory; the rule in force is printed at the start.
      """)

  @OptionGroup var options: OutputOptions

  @Option(help: .init("Where to accept connections; may be given several times.", valueName: "address:port"))
  var listen: [String] = []

  @Option(help: .init("Where the hub's key and journal are kept.", valueName: "directory"), completion: .directory)
  var data: String?

  @Flag(help: "Keep nothing: a ring of 256 MiB in memory. The hub's key stays the same.")
  var ephemeral = false

  @Flag(help: "Admit everybody.")
  var open = false

  @Flag(help: "Admit nobody who isn't a user already.")
  var inviteOnly = false

  @Option(help: .init("Admit this network too; may be given several times.", valueName: "cidr"))
  var admit: [String] = []

  @Flag(help: "Don't tell the LAN that a hub is here, and answer nobody who looks for one.")
  var noAnnounce = false

  @Option(
    help: .init(
      "Load balancers, whose connections begin with a PROXY header (version 2) that tells their real source.",
      valueName: "cidr"))
  var trustedProxy: [String] = []

  @Option(
    help: .init(
      "The key of a user who invites and removes users, besides who starts the hub; may be given several times.",
      valueName: "key"))
  var owner: [String] = []

  @Flag(help: "Let every user invite, not owners alone.")
  var membersInvite = false

  @Flag(help: "Also accept unencrypted clients of this machine; --plaintext=lan: whoever is admitted.")
  var plaintext = false

  @Flag(help: .hidden)
  var plaintextLan = false

  @Flag(help: "Also accept clients of the original mini QQ, unencrypted, from whoever is admitted.")
  var classic = false

  @Option(
    help: .init("A certificate chain (PEM) from an authority, instead of the hub's own.", valueName: "file"),
    completion: .file())
  var tlsCert: String?

  @Option(help: .init("The key of --tls-cert (PEM).", valueName: "file"), completion: .file())
  var tlsKey: String?

  @Option(help: .init("How long messages are kept.", valueName: "age"))
  var retain: DurationOption = .init(milliseconds: 30 * 86_400_000)

  @Option(help: .init("Refuse files larger than this: 500MB, 2GiB.", valueName: "size"))
  var maxFile: SizeOption?

  @Option(help: .init("Keep no more than this of the files of one user.", valueName: "size"))
  var quota: SizeOption?

  @Option(name: .customLong("spool"), help: .init("Keep no more than this of all files.", valueName: "size"))
  var spoolSize: SizeOption?

  @Option(help: .init("Take no file that would leave less than this free on the disk.", valueName: "size"))
  var reserve: SizeOption = .init(bytes: 1 << 30)

  @Option(help: .init("Threads for connections.", valueName: "count"))
  var threads: Int?

  func validate() throws {
    if open && inviteOnly { throw ValidationError("--open and --invite-only exclude each other") }
    if (tlsCert == nil) != (tlsKey == nil) { throw ValidationError("--tls-cert and --tls-key belong together") }
    for (name, networks) in [("admit", admit), ("trusted-proxy", trustedProxy)] {
      for text in networks where CIDR(text) == nil {
        throw ValidationError("--\(name) \"\(text)\": 10.0.0.0/8 is a network")
      }
    }
    for text in owner where Fingerprint(text) == nil {
      throw ValidationError("--owner \"\(text)\": SHA256:… as \"qq whoami\" prints it is a key")
    }
    for text in listen where Self.place(text) == nil {
      throw ValidationError("--listen \"\(text)\": 127.0.0.1:6789, [::1]:6789, 6789 and 0.0.0.0:0 are places")
    }
    if let threads, !(1...64 ~= threads) { throw ValidationError("--threads takes 1 to 64") }
  }

  func run() async throws {
    let environment = Environment.current()
    let output = Output(options.settings, environment)
    let directory = data ?? environment.stateDirectory + "/hub"
    var hub = try hubConfiguration(environment)
    do throws(IdentityError) {
      try PrivateFile.makeDirectory(directory)
    } catch {
      throw CommandFailure(.cannotCreate, error.message)
    }
    let certificate = try certificate(directory)
    let local = LocalNetworks.current()
    var server = ServerConfiguration(listen: places(local), tls: certificate.settings, hub: hub)
    server.classic = classic ? ClassicSettings() : nil
    server.trustedProxies = trustedProxy.compactMap { CIDR($0) }
    server.threads = threads ?? max(1, min(8, Self.processors - 1))
    let files = Self.raiseFileLimit()
    server.maximumConnections = max(files - 64, files / 2)
    (hub.localAddresses, hub.interfaces) = (local.addresses, local.networks)
    server.hub = hub

    var logger = Logger(label: "qq") { _ in StreamLogHandler.standardError(label: "qq") }
    logger.logLevel = options.verbose ? .debug : .warning
    let end = ServeEnd()
    Signals.onFirst { end.finish(nil) }

    let running: HubServer
    let folder = ephemeral ? EphemeralFolder(in: directory) : nil
    defer { folder?.remove() }
    do {
      if let folder {
        let journal = MemoryJournal(epoch: Self.newEpoch())
        let spool = try spool(folder.path, logger)
        running = try await HubServer.start(server, journal: journal, spool: spool, logger: logger) { end.finish($0) }
        running.keepRetention(journal, age: retain.milliseconds)
      } else {
        let journal = try SQLiteJournal(path: directory + "/journal.db", makeEpoch: Self.newEpoch)
        let spool = try spool(directory, logger)
        running = try await HubServer.start(server, journal: journal, spool: spool, logger: logger) { end.finish($0) }
        running.keepRetention(journal, age: retain.milliseconds)
      }
    } catch {
      throw Self.explain(error)
    }
    running.followNetworks(announcing: noAnnounce ? nil : certificate.fingerprint.description)
    try announce(running, fingerprint: certificate.fingerprint, hub: hub, directory: directory, output)
    if let reason = await end.wait() {
      throw CommandFailure(
        .ioError,
        "the journal can promise nothing any more: \(reason). What was not answered is not kept; start again when the disk is well"
      )
    }
    await running.stop()
  }

  // MARK: Settings

  private func hubConfiguration(_ environment: Environment) throws -> HubConfiguration {
    var hub = HubConfiguration(name: Environment.hostName, instance: .random(in: 0...(.max)))
    hub.admission = open ? .everybody : inviteOnly ? .nobody : .localNetworks
    hub.admitted = admit.compactMap { CIDR($0) }
    hub.files.file = maxFile?.bytes ?? .max
    hub.files.user = quota?.bytes ?? .max
    hub.files.total = spoolSize?.bytes ?? .max
    hub.files.reserve = reserve.bytes
    hub.plaintext = plaintextLan ? .admitted : plaintext ? .loopback : .refused
    hub.everybodyInvites = membersInvite
    hub.ownerKeys = Set(owner.compactMap { Fingerprint($0)?.bytes })
    // Whoever starts the hub is an owner: the user that this account's commands are by default.
    let context = try? CommandContext(CommonSettings(output: options.settings), environment: environment)
    let nick = context?.nick ?? Nick.derived(from: Environment.account, host: nil).text
    do throws(IdentityError) {
      let identity = try IdentityStore(stateDirectory: environment.stateDirectory).loadOrCreate(nick)
      hub.ownerKeys.insert(identity.fingerprint.bytes)
    } catch {
      // Without a home nobody is at home here: --owner names who is.
    }
    return hub
  }

  private func certificate(_ directory: String) throws -> (settings: TLSConfiguration, fingerprint: Fingerprint) {
    do throws(IdentityError) {
      if let tlsCert, let tlsKey {
        let files = try CertificateFiles(certificatePath: tlsCert, keyPath: tlsKey)
        return (TLSSettings.server(certificate: files), files.fingerprint)
      }
      let identity = try Identity.loadOrCreate(directory + "/hub.key", commonName: "qq hub")
      return (TLSSettings.server(identity: identity), identity.fingerprint)
    } catch {
      throw CommandFailure(tlsCert == nil ? ExitStatus(error) : .config, error.message)
    }
  }

  private func spool(_ directory: String, _ logger: Logger) throws -> Spool {
    try Spool(directory, reserve: reserve.bytes) { logger.error("spool", metadata: ["problem": "\($0)"]) }
  }

  /// Every interface unless places were named; where only a port is, of IPv6 besides IPv4 if the machine has it.
  private func places(_ local: LocalNetworks) -> [(host: String, port: Int)] {
    let hasIPv6 = local.addresses.contains { !$0.isIPv4 }
    return (listen.isEmpty ? [String(ProtocolLimits.port)] : listen).flatMap { text -> [(host: String, port: Int)] in
      guard let place = Self.place(text) else { return [] }
      // Two free ports would be two different ones.
      return Int(text) != nil && hasIPv6 && place.port > 0 ? [place, ("::", place.port)] : [place]
    }
  }

  static func place(_ text: String) -> (host: String, port: Int)? {
    if let port = Int(text) { return 0...65_535 ~= port ? ("0.0.0.0", port) : nil }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), 0...65_535 ~= port
    else { return IPAddress(text).map { ($0.description, ProtocolLimits.port) } }
    let host = text[..<colon]
    if host == "localhost" { return ("127.0.0.1", port) }
    return IPAddress(host).map { ($0.description, port) }
  }

  private static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  private static func newEpoch() -> String {
    MessageID(high: .random(in: 0...(.max)), low: .random(in: 0...(.max))).description
  }

  /// As many file descriptors as the system gives; says how many that are.
  private static func raiseFileLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Int(clamping: min(limit.rlim_cur, 1 << 20))
  }

  private static func explain(_ error: any Error) -> any Error {
    switch error {
    case let error as SQLiteJournalError:
      if case .locked = error { return CommandFailure(.unavailable, error.message) }
      return CommandFailure(.cannotCreate, error.message)
    case let error as SpoolError:
      return CommandFailure(.cannotCreate, error.message)
    case ServerError.cannotListen(let host, let port, let reason):
      return CommandFailure(
        .unavailable, "cannot listen on \(Endpoint(host: host, port: port)): \(reason) (--listen names another)")
    default:
      return error
    }
  }

  // MARK: Saying so

  private func announce(
    _ server: HubServer, fingerprint: Fingerprint, hub: HubConfiguration, directory: String, _ output: Output
  ) throws {
    let addresses = server.addresses.compactMap { address in
      address.ipAddress.map { Endpoint(host: $0, port: address.port ?? 0).description }
    }
    let rule: String
    switch hub.admission {
    case .everybody: rule = "everybody"
    case .nobody: rule = "nobody uninvited"
    case .localNetworks:
      rule =
        "this machine and "
        + (hub.interfaces.isEmpty ? "no network" : hub.interfaces.map(\.description).joined(separator: ", "))
    }
    let admits = ([rule] + hub.admitted.map(\.description)).joined(separator: ", ")
    output.note("admitting \(admits); \(ephemeral ? "keeping nothing" : "keeping messages in \(directory)")")
    try output.show(text: "ready on \(addresses.joined(separator: ", ")), key \(fingerprint)") { json in
      json.begin("ready")
      json.field("address", addresses.first ?? "")
      if addresses.count > 1 { json.field("addresses", addresses) }
      json.field("fingerprint", fingerprint.description)
      json.field("admits", admits)
      json.field("owners", hub.ownerKeys.map(KeyText.fingerprint).sorted())
      json.end()
    }
  }
}

/// What ends `serve`: a signal, or a journal that failed, which gives the reason.
private final class ServeEnd: Sendable {
  private let state = Mutex((isOver: false, reason: nil as String?, waiter: nil as CheckedContinuation<Void, Never>?))

  func finish(_ reason: String?) {
    let waiter = state.withLock { state in
      if !state.isOver { state = (true, reason, state.waiter) }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  func wait() async -> String? {
    await withCheckedContinuation { waiter in
      let isOver = state.withLock { state in
        if !state.isOver { state.waiter = waiter }
        return state.isOver
      }
      if isOver { waiter.resume() }
    }
    return state.withLock(\.reason)
  }
}
