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

  func hubConfiguration(_ environment: Environment) throws -> HubConfiguration {
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
    let context = try? CommandContext(CommonSettings(output: options.settings), environment: environment).elsewhere()
    let nick = context?.nick ?? Nick.derived(from: Environment.account, host: nil).text
    do throws(IdentityError) {
      let identity = try IdentityStore(stateDirectory: environment.stateDirectory).loadOrCreate(nick)
      hub.ownerKeys.insert(identity.fingerprint.bytes)
    } catch {
      // Without a home nobody is at home here: --owner names who is.
    }
    return hub
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

  func spool(_ directory: String, _ logger: Logger) throws -> Spool {
    try Spool(directory, reserve: reserve.bytes) { logger.error("spool", metadata: ["problem": "\($0)"]) }
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
    case ServerError.cannotListen(let host, let port, let reason):
      return CommandFailure(
        .unavailable, "cannot listen on \(Endpoint(host: host, port: port)): \(reason) (--listen names another)")
    default:
      return error
    }
  }
}
