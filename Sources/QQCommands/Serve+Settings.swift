import Glibc
import Logging
import NIOSSL
import QQClient
import QQHub
import QQIdentity
import QQJournalSQLite
import QQProtocol
import QQServer
import QQSpool
import QQTransport

/// What the options come to.
extension Serve {
  func logger() -> Logger {
    var logger = Logger(label: "qq") { _ in LogLines() }
    logger.logLevel = options.verbose ? .debug : options.quiet ? .warning : .notice
    return logger
  }

  /// What the options say, and where they don't, the file.
  struct Rules {
    var hub: HubConfiguration
    /// In milliseconds.
    var retain: Int64
  }

  func rules(_ environment: Environment) throws -> Rules {
    let file = try HubFile.load(config)
    var hub = HubConfiguration(name: Environment.hostName, instance: .random(in: 0...(.max)))
    hub.admission = open ? .everybody : inviteOnly ? .nobody : file.admission ?? .localNetworks
    hub.admitted = admit.compactMap { CIDR($0) } + (file.admit ?? [])
    hub.files.file = maxFile?.bytes ?? file.maxFile ?? .max
    hub.files.user = quota?.bytes ?? file.quota ?? .max
    hub.files.total = spoolSize?.bytes ?? file.spool ?? .max
    hub.files.reserve = max(reserve?.bytes ?? file.reserve ?? 1 << 30, Spool.leastReserve)
    hub.plaintext = plaintextLan ? .admitted : plaintext ? .loopback : .refused
    hub.everybodyInvites = membersInvite || file.membersInvite ?? false
    hub.ownerKeys = Set(owner.compactMap { Fingerprint($0)?.bytes } + (file.owners ?? []).map(\.bytes))
    // Whoever starts the hub is an owner: the user that this account's commands are by default.
    let context = try? CommandContext(CommonSettings(output: options.settings), environment: environment).elsewhere()
    let nick = context?.nick ?? Nick.derived(from: Environment.account, host: nil).text
    do throws(IdentityError) {
      let identity = try IdentityStore(stateDirectory: environment.stateDirectory).loadOrCreate(nick)
      hub.ownerKeys.insert(identity.fingerprint.bytes)
    } catch {
      // Without a home nobody is at home here: --owner names who is.
    }
    return Rules(hub: hub, retain: retain?.milliseconds ?? file.retain ?? 30 * 86_400_000)
  }

  /// The rules in force, for whoever reads the log.
  func say(_ hub: HubConfiguration, _ retain: Int64, _ directory: String, _ logger: Logger) {
    let kept = "keeping messages for \(DurationText.describe(milliseconds: retain)) in \(directory)"
    logger.notice("admitting \(hub.admits); \(ephemeral ? "keeping nothing" : kept)")
    var status = stat()
    if !ephemeral, stat(directory, &status) == 0, status.st_mode & 0o022 != 0 {
      logger.warning(
        "others may write to \(directory), and so replace what the hub keeps: \"chmod go-w \(directory)\" ends that")
    }
  }

  /// The folder by which others find it, wherever they are.
  static func absolute(_ path: String) -> String {
    if let real = realpath(path, nil) {
      defer { free(real) }
      return String(cString: real)
    }
    guard !path.hasPrefix("/"), let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return String(cString: current) + "/" + path
  }

  /// What is left of a data directory makes no hub that anybody knows.
  func checkWhole(_ directory: String) throws {
    let (key, journal) = (directory + "/hub.key", directory + "/journal.db")
    let hasKey = access(key, F_OK) == 0 || tlsCert != nil
    let hasJournal = FileCopy.size(journal) > 0
    if hasKey, !hasJournal, access(directory + "/blobs", F_OK) == 0 {
      throw CommandFailure(
        .config,
        "\(journal) is missing or empty, and this hub has run before: put it back from a backup, or move "
          + "\(directory)/blobs away to begin without what it kept")
    }
    if hasJournal, !hasKey, !newKey {
      throw CommandFailure(
        .config,
        "\(key) is missing, by which everybody knows this hub: put it back from a backup, or let --new-key make "
          + "another, which every client refuses until its user trusts it")
    }
  }

  /// The certificate and the rules anew: what was renewed holds for whoever connects from now on. What can't be read
  /// leaves both as they were.
  func reload(
    _ server: HubServer, _ directory: String, _ environment: Environment, _ manager: ServiceManager, _ logger: Logger
  ) {
    manager.reloading()
    do {
      let (certificate, rules) = (try certificate(directory), try rules(environment))
      try server.reload(certificate.settings)
      server.reconfigure(rules.hub)
      server.retain(rules.retain)
      logger.notice("read the certificate\(config == nil ? "" : " and the rules") anew")
      if config != nil {
        var hub = rules.hub
        hub.interfaces = LocalNetworks.current().networks
        say(hub, rules.retain, directory, logger)
      }
    } catch {
      logger.error(
        config == nil ? "the certificate stays as it was" : "the certificate and the rules stay as they were",
        metadata: ["reason": "\(Program.message(of: error))"])
    }
    manager.ready("\(server.addresses.count) listening")
  }

  func certificate(_ directory: String) throws -> (settings: TLSConfiguration, fingerprint: Fingerprint) {
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

  func spool(_ directory: String, _ hub: HubConfiguration, _ logger: Logger) throws -> Spool {
    try Spool(directory, reserve: hub.files.reserve) { logger.error("spool", metadata: ["problem": "\($0)"]) }
  }

  /// Every interface unless places were named; where only a port is, of IPv6 besides IPv4 if the machine has it.
  func places(_ local: LocalNetworks) -> [(host: String, port: Int)] {
    let hasIPv6 = local.addresses.contains { !$0.isIPv4 }
    return (listen.isEmpty ? [String(ProtocolLimits.port)] : listen).flatMap { text -> [(host: String, port: Int)] in
      guard let place = Self.place(text) else { return [] }
      // Two free ports would be two different ones.
      return Int(text) != nil && hasIPv6 && place.port > 0 ? [place, ("::", place.port)] : [place]
    }
  }

  static func metricsPlace(_ text: String) -> (host: String, port: Int)? {
    Int(text) == nil ? place(text) : place("127.0.0.1:" + text)
  }

  static func place(_ text: String) -> (host: String, port: Int)? {
    if let port = Int(text) { return 0...65_535 ~= port ? ("0.0.0.0", port) : nil }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), 0...65_535 ~= port
    else { return IPAddress(text).map { ($0.description, ProtocolLimits.port) } }
    let host = text[..<colon]
    if host == "localhost" { return ("127.0.0.1", port) }
    return IPAddress(host).map { ($0.description, port) }
  }

  static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  static func newEpoch() -> String {
    MessageID(high: .random(in: 0...(.max)), low: .random(in: 0...(.max))).description
  }

  /// As many file descriptors as the system gives; says how many that are.
  static func raiseFileLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Int(clamping: min(limit.rlim_cur, 1 << 20))
  }

  static func explain(_ error: any Error) -> any Error {
    switch error {
    case let error as SQLiteJournalError:
      if case .locked = error { return CommandFailure(.unavailable, error.message) }
      return CommandFailure(.cannotCreate, error.message)
    case let error as SpoolError:
      return CommandFailure(.cannotCreate, error.message)
    case ServerError.cannotListen(let host, let port, let reason, let isForMetrics):
      return CommandFailure(
        .unavailable,
        "cannot listen on \(Endpoint(host: host, port: port)): \(reason) "
          + "(\(isForMetrics ? "--metrics" : "--listen") names another)")
    default:
      return error
    }
  }
}
