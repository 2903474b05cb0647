/// One line of the table: what is compared with what, and what is asked for.
struct Target {
  enum Bound {
    case atLeast(Double)
    case atMost(Double)
  }

  var title: String
  var group: Measurement.Group
  /// The figure of ours.
  var figure: String
  /// What it is divided by before it is compared; nil where the figure itself counts.
  var reference: String?
  var bound: Bound
  var unit: String
  /// Shown beside, for whoever compares.
  var beside: [String] = []

  static let all: [Target] = [
    Target(
      title: "fan-out, 64-byte texts to 100 listeners, against nats-server", group: .fanout64, figure: "fanout64_qq",
      reference: "fanout64_nats", bound: .atLeast(2), unit: "deliveries/s", beside: ["fanout64_mqtt"]),
    Target(
      title: "fan-out, 1 KiB texts, against nats-server", group: .fanout1k, figure: "fanout1k_qq",
      reference: "fanout1k_nats", bound: .atLeast(1.5), unit: "deliveries/s"),
    Target(
      title: "fan-out, 64 bytes, SQLite at FULL, against ephemeral", group: .durable, figure: "fanout64_qq_durable",
      reference: "fanout64_qq", bound: .atLeast(0.5), unit: "deliveries/s"),
    Target(
      title: "fan-out, 64 bytes, TLS, against mosquitto TLS", group: .tls, figure: "tls64_qq", reference: "tls64_mqtt",
      bound: .atLeast(10), unit: "deliveries/s", beside: ["tls64_nats"]),
    Target(
      title: "bytes of the same, against an openssl stream", group: .tls, figure: "tls64_qq_bytes",
      reference: "tls_stream", bound: .atLeast(0.6), unit: "bytes/s"),
    Target(
      title: "cost of a delivery, 1,000 listeners against 10", group: .scaling, figure: "listeners10_qq",
      reference: "listeners1000_qq", bound: .atMost(1.5), unit: "deliveries/s",
      beside: ["listeners10_nats", "listeners1000_nats"]),
    Target(
      title: "acknowledged durable messages, 16 senders", group: .publish, figure: "publish_qq_durable",
      bound: .atLeast(60_000), unit: "messages/s", beside: ["publish_jetstream", "publish_mqtt_qos1"]),
    Target(
      title: "latency p50 at 1,000 messages/s to 100 listeners, against nats-server", group: .latency,
      figure: "latency_qq_p50", reference: "latency_nats_p50", bound: .atMost(1), unit: "ms",
      beside: ["latency_qq_durable_p50"]),
    Target(
      title: "latency p99, likewise", group: .latency, figure: "latency_qq_p99", reference: "latency_nats_p99",
      bound: .atMost(1), unit: "ms", beside: ["latency_qq_durable_p99"]),
    Target(
      title: "a command, TLS, acknowledged, against mosquitto_pub", group: .command, figure: "command_qq_tls",
      reference: "command_mqtt_tls", bound: .atMost(1.5), unit: "ms"),
    Target(
      title: "a command, plaintext, against mosquitto_pub", group: .command, figure: "command_qq_plain",
      reference: "command_mqtt_plain", bound: .atMost(2.5), unit: "ms"),
    Target(
      title: "qq chat, from its start to its prompt", group: .chat, figure: "chat_start", bound: .atMost(50), unit: "ms"
    ),
    Target(
      title: "the longest wait for a typed key while 10,000 messages arrive", group: .chat, figure: "chat_echo",
      bound: .atMost(100), unit: "ms"),
    Target(
      title: "memory for an idle listener, plaintext", group: .memory, figure: "memory_qq", bound: .atMost(8),
      unit: "KiB", beside: ["memory_nats", "memory_mqtt"]),
    Target(
      title: "memory for an idle listener, TLS", group: .memory, figure: "memory_qq_tls", bound: .atMost(45),
      unit: "KiB", beside: ["memory_mqtt_tls"]),
    Target(
      title: "a file of 4 GiB from disk to disk through the hub, TLS, against scp's one hop", group: .files,
      figure: "file_qq_tls", reference: "file_scp", bound: .atLeast(0.7), unit: "MB/s", beside: ["file_rsync"]),
    Target(
      title: "the same, plaintext", group: .files, figure: "file_qq_plain", reference: "file_scp", bound: .atLeast(1),
      unit: "MB/s"),
    Target(
      title: "10,000 files of 4 KiB, TLS, against rsync -a over ssh", group: .manyfiles, figure: "many_qq",
      reference: "many_rsync", bound: .atMost(2), unit: "s", beside: ["many_scp"]),
    Target(
      title: "p99 of a message beside a file at full speed", group: .files, figure: "beside_file_p99",
      bound: .atMost(50), unit: "ms"),
    Target(
      title: "acknowledgements before their fdatasync (strace)", group: .strace, figure: "strace_early",
      bound: .atMost(0), unit: "of them", beside: ["strace_acknowledged"]),
  ]

  /// How the target stands, given the medians; nil where a figure is missing.
  func verdict(_ medians: [String: Double]) -> Verdict? {
    guard let figure = medians[self.figure] else { return nil }
    var compared = figure
    if let reference {
      guard let value = medians[reference], value > 0 else { return nil }
      compared = figure / value
    }
    let isReached: Bool
    switch bound {
    case .atLeast(let least): isReached = compared >= least
    case .atMost(let most): isReached = compared <= most
    }
    return Verdict(
      figure: figure, reference: reference.flatMap { medians[$0] }, compared: compared, isReached: isReached)
  }

  struct Verdict {
    var figure: Double
    var reference: Double?
    /// The ratio, or the figure itself.
    var compared: Double
    var isReached: Bool
  }
}
