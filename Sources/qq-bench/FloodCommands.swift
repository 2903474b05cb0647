import ArgumentParser

struct FanoutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fanout", abstract: "One sender pipelining to many listeners: deliveries a second.")

  @OptionGroup var server: ServerOptions
  @OptionGroup var time: TimeOptions

  @Option(help: "Listeners.")
  var listeners = 100

  @Option(help: "Bytes of a text.")
  var size = 64

  @Option(help: "Messages the sender may have under way; by default what the server is fastest with.")
  var window: Int?

  @Flag(help: "Try several windows, a line each.")
  var tune = false

  func validate() throws {
    guard listeners > 0, (1...65_000).contains(size), (window ?? 1) > 0 else {
      throw ValidationError("--listeners and --window must be above 0, --size between 1 and 65000")
    }
  }

  func run() throws {
    let kind = ServerSettings(kind: server.peer, usesTLS: server.tls, isDurable: server.durable)
    var settings = FloodSettings(
      listeners: listeners, size: size, warmup: time.warmup, seconds: time.seconds)
    let usual = window ?? Windows.fanout(kind, listeners: listeners, size: size)
    try flood(server, &settings, windows: tune ? Windows.sweep : [usual], scenario: "fanout")
  }
}

struct PublishCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish",
    abstract: "Many senders pipelining: acknowledged messages a second.",
    discussion: "For nats this needs --durable, since only JetStream acknowledges.")

  @OptionGroup var server: ServerOptions
  @OptionGroup var time: TimeOptions

  @Option(help: "Senders.")
  var senders = 16

  @Option(help: "Listeners.")
  var listeners = 0

  @Option(help: "Bytes of a text.")
  var size = 64

  @Option(help: "Messages each sender may have under way.")
  var window: Int?

  @Flag(help: "Try several windows, a line each.")
  var tune = false

  func validate() throws {
    guard senders > 0, listeners >= 0, (1...65_000).contains(size), (window ?? 1) > 0 else {
      throw ValidationError("--senders and --window must be above 0, --size between 1 and 65000")
    }
  }

  func run() throws {
    let kind = ServerSettings(kind: server.peer, usesTLS: server.tls, isDurable: server.durable)
    var settings = FloodSettings(
      senders: senders, listeners: listeners, size: size, acknowledged: true, warmup: time.warmup,
      seconds: time.seconds)
    let usual = window ?? Windows.publish(kind)
    try flood(server, &settings, windows: tune ? Windows.sweep : [usual], scenario: "publish")
  }
}

/// A line for each window, all against one server.
private func flood(
  _ server: ServerOptions, _ settings: inout FloodSettings, windows: [Int], scenario: String
) throws {
  var settings = settings
  try server.with { peer, pid in
    settings.server = pid
    for window in windows {
      settings.window = window
      let result = try Flood(peer, settings).run()
      let fields: [(String, JSONLine.Value)] = [
        ("senders", .int(settings.senders)), ("listeners", .int(settings.listeners)), ("size", .int(settings.size)),
        ("window", .int(window)),
      ]
      JSONLine(server.head(scenario) + fields + result.fields).emit()
    }
  }
}
