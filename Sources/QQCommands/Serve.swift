import ArgumentParser
import Logging
import NIOCore
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

  @Option(
    help: .init(
      "Rules that may change while the hub runs: who is let in, what is kept. SIGHUP reads it anew; see qq-config(5).",
      valueName: "file"), completion: .file())
  var config: String?

  @Option(help: .init("Where to accept connections; may be given several times.", valueName: "address:port"))
  var listen: [String] = []

  @Option(help: .init("Where the hub's key and journal are kept.", valueName: "directory"), completion: .directory)
  var data: String?

  @Option(
    help: .init("Where \"qq admin backup\" makes backups, DATA/backups by default.", valueName: "directory"),
    completion: .directory)
  var backups: String?

  @Flag(help: "Make a new key where the data directory has lost its own; clients refuse it until it is trusted.")
  var newKey = false

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

  @Option(help: .init("How long messages are kept, such as 90d: 30d by default.", valueName: "age"))
  var retain: AgeOption?

  @Option(help: .init("Refuse files larger than this: 500MB, 2GiB.", valueName: "size"))
  var maxFile: SizeOption?

  @Option(help: .init("Keep no more than this of the files of one user.", valueName: "size"))
  var quota: SizeOption?

  @Option(name: .customLong("spool"), help: .init("Keep no more than this of all files.", valueName: "size"))
  var spoolSize: SizeOption?

  @Option(help: .init("Leave at least this free on the disk, 1 GiB by default.", valueName: "size"))
  var reserve: SizeOption?

  @Option(
    help: .init(
      "Tell how the hub is doing over HTTP: /metrics for Prometheus, and /health. A port alone is this machine's.",
      valueName: "address:port"))
  var metrics: String?

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
    if let metrics, Self.metricsPlace(metrics) == nil {
      throw ValidationError("--metrics \"\(metrics)\": 9789, 127.0.0.1:9789 and [::1]:9789 are places")
    }
    for text in listen where Self.place(text) == nil {
      throw ValidationError("--listen \"\(text)\": 127.0.0.1:6789, [::1]:6789, 6789 and 0.0.0.0:0 are places")
    }
    if let threads, !(1...64 ~= threads) { throw ValidationError("--threads takes 1 to 64") }
  }

  func run() async throws {
    let environment = Environment.current()
    let output = Output(options.settings, environment)
    let place = data ?? environment.stateDirectory + "/hub"
    let rules = try rules(environment)
    var hub = rules.hub
    do throws(IdentityError) {
      try PrivateFile.makeDirectory(place)
    } catch {
      throw CommandFailure(.cannotCreate, error.message)
    }
    let directory = Self.absolute(place)
    if !ephemeral { try checkWhole(directory) }
    let certificate = try certificate(directory)
    let local = LocalNetworks.current()
    var server = ServerConfiguration(listen: places(local), tls: certificate.settings, hub: hub)
    server.classic = classic ? ClassicSettings() : nil
    let manager = ServiceManager(environment)
    server.inherited = manager.listeners
    server.trustedProxies = trustedProxy.compactMap { CIDR($0) }
    server.metrics = metrics.flatMap(Self.metricsPlace)
    server.threads = threads ?? max(1, min(8, Self.processors - 1))
    let files = Self.raiseFileLimit()
    (hub.localAddresses, hub.interfaces) = (local.addresses, local.networks)
    server.hub = hub
    server.limits = ConnectionLimits(connections: max(files - 64, files / 2))

    let logger = logger()
    let end = ServeEnd()
    Signals.onFirst { end.finish(nil) }

    let running: HubServer
    let folder = ephemeral ? EphemeralFolder(in: directory) : nil
    defer { folder?.remove() }
    do {
      if let folder {
        let journal = MemoryJournal(epoch: Self.newEpoch())
        let spool = try spool(folder.path, hub, logger)
        running = try await HubServer.start(server, journal: journal, spool: spool, logger: logger) { end.finish($0) }
        running.keepRetention(journal, age: rules.retain)
      } else {
        let journal = try SQLiteJournal(path: directory + "/journal.db", makeEpoch: Self.newEpoch)
        let spool = try spool(directory, hub, logger)
        let backups = Backups(
          of: directory, in: backups.map(Self.absolute) ?? directory + "/backups", reserve: hub.files.reserve,
          journal: journal)
        running = try await HubServer.start(
          server, journal: journal, spool: spool, backups: backups, logger: logger
        ) { end.finish($0) }
        running.keepRetention(journal, age: rules.retain)
        if journal.isRestored {
          logger.notice(
            "the data directory was restored, or copied: whoever reads on is told, and reads what is unread")
        }
      }
    } catch {
      throw Self.explain(error)
    }
    running.followNetworks(announcing: noAnnounce ? nil : certificate.fingerprint.description)
    try announce(
      running, fingerprint: certificate.fingerprint, hub: hub, retain: rules.retain, directory: directory, output,
      logger)
    manager.ready("\(running.addresses.count) listening")
    if let watchdog = manager.watchdog { running.keepBeating(every: watchdog / 2) { manager.isWell() } }
    Signals.onHangUp { reload(running, directory, environment, manager, logger) }
    let reason = await end.wait()
    manager.stopping()
    if let reason {
      logger.critical(
        "the journal can promise nothing any more; what was not answered is not kept", metadata: ["reason": "\(reason)"]
      )
      throw CommandFailure(.ioError)
    }
    logger.notice("stopping")
    await running.stop()
  }

  // MARK: Saying so

  private func announce(
    _ server: HubServer, fingerprint: Fingerprint, hub: HubConfiguration, retain: Int64, directory: String,
    _ output: Output, _ logger: Logger
  ) throws {
    let addresses = server.addresses.compactMap { address in
      address.ipAddress.map { Endpoint(host: $0, port: address.port ?? 0).description }
    }
    say(hub, retain, directory, logger)
    try output.show(text: "ready on \(addresses.joined(separator: ", ")), key \(fingerprint)") { json in
      json.begin("ready")
      json.field("address", addresses.first ?? "")
      if addresses.count > 1 { json.field("addresses", addresses) }
      json.field("fingerprint", fingerprint.description)
      if let metrics = server.metricsAddress {
        json.field("metrics", Endpoint(host: metrics.ipAddress ?? "", port: metrics.port ?? 0).description)
      }
      json.field("admits", hub.admits)
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
