/// One figure of the suite: how it is taken, and the groups whose verdicts need it.
struct Measurement {
  /// What the figure is called in the output; a fixed word each, so that runs can be compared.
  var name: String
  var groups: Set<Group>
  var kind: Kind

  enum Kind {
    case fanout(ServerSettings, listeners: Int, size: Int)
    case publish(ServerSettings)
    case latency(ServerSettings)
    case memory(ServerSettings)
    case tlsStream
    case commands
    case chat
    case syncTrace
    /// One large file, or many small ones.
    case files(Carrier, usesTLS: Bool, isMany: Bool)
    case latencyBesideFile
  }

  /// What `--only` selects by.
  enum Group: String, CaseIterable {
    case fanout64
    case fanout1k
    case durable
    case tls
    case scaling
    case publish
    case latency
    case command
    case chat
    case memory
    case files
    case manyfiles
    case strace
  }

  /// All, in an order that takes those which are compared right after one another.
  static let all: [Measurement] = [
    fanout("fanout64_qq", [.fanout64, .durable], .init(kind: .qq)),
    fanout("fanout64_nats", [.fanout64], .init(kind: .nats)),
    fanout("fanout64_mqtt", [.fanout64], .init(kind: .mqtt)),
    fanout("fanout64_qq_durable", [.durable], .init(kind: .qq, isDurable: true)),
    fanout("fanout1k_qq", [.fanout1k], .init(kind: .qq), size: 1024),
    fanout("fanout1k_nats", [.fanout1k], .init(kind: .nats), size: 1024),
    fanout("tls64_qq", [.tls], .init(kind: .qq, usesTLS: true)),
    fanout("tls64_mqtt", [.tls], .init(kind: .mqtt, usesTLS: true)),
    fanout("tls64_nats", [.tls], .init(kind: .nats, usesTLS: true)),
    Measurement(name: "tls_stream", groups: [.tls], kind: .tlsStream),
    fanout("listeners10_qq", [.scaling], .init(kind: .qq), listeners: 10),
    fanout("listeners10_nats", [.scaling], .init(kind: .nats), listeners: 10),
    fanout("listeners1000_qq", [.scaling], .init(kind: .qq), listeners: 1000),
    fanout("listeners1000_nats", [.scaling], .init(kind: .nats), listeners: 1000),
    Measurement(name: "publish_qq_durable", groups: [.publish], kind: .publish(.init(kind: .qq, isDurable: true))),
    Measurement(name: "publish_jetstream", groups: [.publish], kind: .publish(.init(kind: .nats, isDurable: true))),
    Measurement(name: "publish_mqtt_qos1", groups: [.publish], kind: .publish(.init(kind: .mqtt))),
    Measurement(name: "latency_qq", groups: [.latency], kind: .latency(.init(kind: .qq))),
    Measurement(name: "latency_nats", groups: [.latency], kind: .latency(.init(kind: .nats))),
    Measurement(
      name: "latency_qq_durable", groups: [.latency], kind: .latency(.init(kind: .qq, isDurable: true))),
    Measurement(name: "command", groups: [.command], kind: .commands),
    Measurement(name: "chat", groups: [.chat], kind: .chat),
    Measurement(name: "memory_qq", groups: [.memory], kind: .memory(.init(kind: .qq))),
    Measurement(name: "memory_nats", groups: [.memory], kind: .memory(.init(kind: .nats))),
    Measurement(name: "memory_mqtt", groups: [.memory], kind: .memory(.init(kind: .mqtt))),
    Measurement(name: "memory_qq_tls", groups: [.memory], kind: .memory(.init(kind: .qq, usesTLS: true))),
    Measurement(name: "memory_mqtt_tls", groups: [.memory], kind: .memory(.init(kind: .mqtt, usesTLS: true))),
    Measurement(name: "file_qq_tls", groups: [.files], kind: .files(.qq, usesTLS: true, isMany: false)),
    Measurement(name: "file_scp", groups: [.files], kind: .files(.scp, usesTLS: true, isMany: false)),
    Measurement(name: "file_qq_plain", groups: [.files], kind: .files(.qq, usesTLS: false, isMany: false)),
    Measurement(name: "file_rsync", groups: [.files], kind: .files(.rsync, usesTLS: true, isMany: false)),
    Measurement(name: "many_qq", groups: [.manyfiles], kind: .files(.qq, usesTLS: true, isMany: true)),
    Measurement(name: "many_rsync", groups: [.manyfiles], kind: .files(.rsync, usesTLS: true, isMany: true)),
    Measurement(name: "many_scp", groups: [.manyfiles], kind: .files(.scp, usesTLS: true, isMany: true)),
    Measurement(name: "beside_file", groups: [.files], kind: .latencyBesideFile),
    Measurement(name: "strace", groups: [.strace], kind: .syncTrace),
  ]

  private static func fanout(
    _ name: String, _ groups: Set<Group>, _ server: ServerSettings, listeners: Int = 100, size: Int = 64
  ) -> Measurement {
    Measurement(name: name, groups: groups, kind: .fanout(server, listeners: listeners, size: size))
  }
}

/// How long a measurement lasts.
struct Pace {
  var warmup: Double
  var seconds: Double
  var latencySeconds: Double
  var commandRuns: Int
  var fileBytes: Int

  static let usual = Pace(warmup: 1, seconds: 3, latencySeconds: 5, commandRuns: 50, fileBytes: 4 << 30)
  static let quick = Pace(warmup: 0.5, seconds: 1, latencySeconds: 2, commandRuns: 20, fileBytes: 1 << 30)
}
