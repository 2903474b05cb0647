import ArgumentParser

struct LatencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency", abstract: "From sending to delivery, at a steady rate to many listeners.")

  @OptionGroup var server: ServerOptions
  @OptionGroup var time: TimeOptions

  @Option(help: "Messages a second.")
  var rate = 1000

  @Option(help: "Listeners.")
  var listeners = 100

  @Option(help: "Bytes of a text.")
  var size = 64

  func run() throws {
    try server.with { peer, pid in
      let settings = LatencySettings(
        listeners: listeners, size: size, rate: rate, warmup: time.warmup, seconds: time.seconds, server: pid)
      let result = try Latency(peer, settings).run()
      let fields: [(String, JSONLine.Value)] = [
        ("listeners", .int(listeners)), ("size", .int(size)), ("rate", .int(rate)),
      ]
      JSONLine(server.head("latency") + fields + result.fields).emit()
    }
  }
}

struct MemoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory", abstract: "What the server's resident memory grows by for an idle listener.")

  @OptionGroup var server: ServerOptions

  @Option(help: "Listeners.")
  var listeners = 1000

  func run() throws {
    try server.with { peer, pid in
      guard let pid else { throw ValidationError("--port needs --server-pid") }
      let result = try measureMemory(of: pid, peer, listeners: listeners)
      JSONLine(server.head("memory") + result.fields).emit()
    }
  }
}

struct CommandTimeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "command", abstract: "From start to exit: qq send and mosquitto_pub, with TLS and without, in turn.")

  @Option(help: "The qq to measure.")
  var hub = ".build/release/qq"

  @Option(help: "Runs of each command.")
  var runs = 50

  func run() throws {
    var pace = Pace.usual
    pace.commandRuns = runs
    let runner = Runner(programs: .find(qq: hub), pace: pace)
    _ = try runner.take(Measurement(name: "command", groups: [.command], kind: .commands), round: 1)
  }
}

struct TLSStreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tls-stream", abstract: "Bytes a second of one stream between openssl s_client and s_server.")

  @OptionGroup var time: TimeOptions

  func run() throws {
    let rate = try measureTLSStream(.find(qq: ""), warmup: time.warmup, seconds: time.seconds)
    JSONLine([("type", "figure"), ("scenario", "tls-stream"), ("bytes_per_second", .number(rate))]).emit()
  }
}

struct SyncTraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "strace", abstract: "Whether every acknowledgement of a durable hub comes after its fdatasync.")

  @Option(help: "The qq to trace.")
  var hub = ".build/release/qq"

  func run() throws {
    let result = try traceSyncs(.find(qq: hub))
    JSONLine([("type", "figure"), ("scenario", "strace")] + result.fields).emit()
    guard result.early == 0 else { throw ExitCode.failure }
  }
}
