import Glibc

/// What kind of server to start.
struct ServerSettings: Hashable {
  var kind: PeerKind
  var usesTLS = false
  /// qq: SQLite in place of `--ephemeral`. nats-server: JetStream on files. mosquitto: no difference.
  var isDurable = false
}

/// Where the programs are.
struct Programs {
  var qq: String
  var nats: String
  var mosquitto: String
  var mosquittoPub: String
  var openssl: String
  var scp: String
  var rsync: String
  var sshd: String
  var sshKeygen: String

  /// All that can be found; what can't keeps its bare name, and starting it says so.
  static func find(qq: String) -> Programs {
    func find(_ name: String) -> String { findExecutable(name) ?? name }
    return Programs(
      qq: qq, nats: find("nats-server"), mosquitto: find("mosquitto"), mosquittoPub: find("mosquitto_pub"),
      openssl: find("openssl"), scp: find("scp"), rsync: find("rsync"), sshd: find("sshd"),
      sshKeygen: find("ssh-keygen"))
  }
}

/// A server that was started here, on loopback and a free port, with a folder of its own.
final class Server {
  let child: Child
  let endpoint: Endpoint
  let settings: ServerSettings
  let folder: TemporaryFolder

  var pid: pid_t { child.pid }

  /// Returns once it accepts connections. `tracer` stands before the server's own command line; it must leave the
  /// server's process the one that was started (`strace -D`). `options`: more of them, for qq.
  static func start(
    _ settings: ServerSettings, _ programs: Programs, tracer: [String] = [], options: [String] = []
  ) throws -> Server {
    let folder = try TemporaryFolder()
    let port = settings.kind == .qq ? 0 : try freePort()
    let command: [String]
    switch settings.kind {
    case .qq:
      command =
        [programs.qq, "serve", "--listen", "127.0.0.1:0"]
        + (settings.usesTLS ? [] : ["--plaintext"])
        + (settings.isDurable ? ["--data", "\(folder.path)/data"] : ["--ephemeral"]) + options
    case .nats:
      command =
        [programs.nats, "-a", "127.0.0.1", "-p", String(port)]
        + (settings.usesTLS ? ["--tls"] + (try certificateFiles(in: folder)).map { "--tls\($0.key)=\($0.value)" } : [])
        + (settings.isDurable ? ["-js", "-sd", "\(folder.path)/data"] : [])
    case .mqtt:
      try writeFile("\(folder.path)/mosquitto.conf", try mosquittoConfiguration(settings, port: port, folder: folder))
      command = [programs.mosquitto, "-c", "\(folder.path)/mosquitto.conf"]
    }
    let child = try Child.start(
      tracer + command,
      environment: [
        "XDG_STATE_HOME": "\(folder.path)/state", "XDG_CONFIG_HOME": "\(folder.path)/config", "HOME": folder.path,
      ],
      output: "\(folder.path)/stdout", errors: "\(folder.path)/stderr")
    do {
      let ready = try waitUntilReady(child, settings, port: port, folder: folder)
      return Server(child: child, endpoint: ready, settings: settings, folder: folder)
    } catch {
      child.stop()
      throw error
    }
  }

  private init(child: Child, endpoint: Endpoint, settings: ServerSettings, folder: TemporaryFolder) {
    self.child = child
    self.endpoint = endpoint
    self.settings = settings
    self.folder = folder
  }

  func stop() {
    child.stop()
  }

  /// A client of it.
  func peer() throws -> any Peer {
    switch settings.kind {
    case .qq: return try QQPeer(endpoint: endpoint)
    case .mqtt: return try MQTTPeer(endpoint: endpoint)
    case .nats:
      let peer = try NATSPeer(endpoint: endpoint)
      if settings.isDurable { try peer.makeStream() }
      return peer
    }
  }

  // MARK: Starting

  private static func waitUntilReady(
    _ child: Child, _ settings: ServerSettings, port: UInt16, folder: TemporaryFolder
  ) throws -> Endpoint {
    for _ in 0..<1000 {
      if let status = child.poll() {
        let errors = (readFile("\(folder.path)/stderr") ?? "").split(separator: "\n").suffix(3)
        throw BenchError("\(settings.kind.rawValue) ended with \(status): \(errors.joined(separator: " / "))")
      }
      if settings.kind == .qq {
        if let output = readFile("\(folder.path)/stdout"), output.contains("\n"), let port = readyPort(output) {
          return Endpoint(port: port, usesTLS: settings.usesTLS)
        }
      } else {
        let endpoint = Endpoint(port: port, usesTLS: settings.usesTLS)
        if (try? Connection(to: endpoint)) != nil { return endpoint }
      }
      usleep(10_000)
    }
    throw BenchError("\(settings.kind.rawValue) isn't ready after 10 s")
  }

  /// The port of `{"type":"ready","address":"127.0.0.1:40123",…}`.
  static func readyPort(_ output: String) -> UInt16? {
    let marker = #""address":""#
    for line in output.split(separator: "\n") where line.contains(#""type":"ready""#) {
      guard let start = line.firstRange(of: marker) else { continue }
      let address = line[start.upperBound...].prefix { $0 != "\"" }
      return address.lastIndex(of: ":").flatMap { UInt16(address[address.index(after: $0)...]) }
    }
    return nil
  }

  private static func mosquittoConfiguration(
    _ settings: ServerSettings, port: UInt16, folder: TemporaryFolder
  ) throws -> String {
    // Nothing is dropped, nothing is delayed, nothing is logged; as root it would give up the right to its own files.
    var lines = [
      "listener \(port) 127.0.0.1", "allow_anonymous true", "log_dest none", "max_queued_messages 0",
      "max_inflight_messages 0", "set_tcp_nodelay true", "persistence false", "user root",
    ]
    if settings.usesTLS {
      let files = try certificateFiles(in: folder)
      lines += ["certfile \(files["cert"]!)", "keyfile \(files["key"]!)", "tls_version tlsv1.3"]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Makes a certificate for loopback; the paths of `cert` and `key`.
  static func certificateFiles(in folder: TemporaryFolder) throws -> [String: String] {
    let certificate = try SelfSignedCertificate.make(name: "localhost", isServer: true)
    let files = ["cert": "\(folder.path)/cert.pem", "key": "\(folder.path)/key.pem"]
    try writeFile(files["cert"]!, certificate.certificatePEM)
    try writeFile(files["key"]!, certificate.privateKeyPEM)
    return files
  }
}

/// A port nobody listens on just now.
func freePort() throws -> UInt16 {
  let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
  guard file >= 0 else { throw BenchError.system("socket") }
  defer { close(file) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(file, $0, size) == 0 && getsockname(file, $0, &size) == 0
    }
  }
  guard result else { throw BenchError.system("bind") }
  return address.sin_port.bigEndian
}
