import ArgumentParser
import Glibc

/// Which server a single scenario drives.
struct ServerOptions: ParsableArguments {
  @Option(help: "What the server speaks: qq, nats or mqtt.")
  var peer = PeerKind.qq

  @Option(help: "The server's IPv4 address.")
  var host = "127.0.0.1"

  @Option(help: "The port of a server that runs already; without it one is started for the run.")
  var port: UInt16?

  @Flag(help: "Use TLS.")
  var tls = false

  @Flag(help: "Start the server so that it keeps what it acknowledges: SQLite, or JetStream.")
  var durable = false

  @Option(help: "The process of a server that runs already, to report what it uses.")
  var serverPid: pid_t?

  @Option(help: "The qq to start.")
  var hub = ".build/release/qq"

  /// Runs `body` with a client of the server, and the server's process where it is known.
  func with(_ body: (any Peer, pid_t?) throws -> Void) throws {
    let settings = ServerSettings(kind: peer, usesTLS: tls, isDurable: durable)
    guard let port else {
      let server = try Server.start(settings, Programs.find(qq: hub))
      defer { server.stop() }
      return try body(try server.peer(), server.pid)
    }
    let endpoint = Endpoint(host: host, port: port, usesTLS: tls)
    switch peer {
    case .qq: try body(try QQPeer(endpoint: endpoint), serverPid)
    case .nats: try body(try NATSPeer(endpoint: endpoint), serverPid)
    case .mqtt: try body(try MQTTPeer(endpoint: endpoint), serverPid)
    }
  }

  /// The first fields of a scenario's line.
  func head(_ scenario: String) -> [(String, JSONLine.Value)] {
    [
      ("type", "figure"), ("scenario", .string(scenario)), ("peer", .string(peer.rawValue)), ("tls", .bool(tls)),
      ("durable", .bool(durable)),
    ]
  }
}

/// How long a scenario lasts.
struct TimeOptions: ParsableArguments {
  @Option(help: "Seconds that count.")
  var seconds = 3.0

  @Option(help: "Seconds of traffic before.")
  var warmup = 1.0

  func validate() throws {
    guard seconds > 0, seconds <= 3600, warmup >= 0, warmup <= 3600 else {
      throw ValidationError("--seconds must be above 0, and neither it nor --warmup above 3600")
    }
  }
}
