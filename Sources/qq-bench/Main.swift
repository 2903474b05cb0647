import ArgumentParser
import Glibc

@main
struct QQBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "qq-bench",
    abstract: "Drives a hub over loopback and prints what it reaches, one JSON object a line.",
    discussion: """
      It counts lines and doesn't parse them. `--peer nats` and `--peer mqtt` measure nats-server and mosquitto by
      the same means. Without --port a server is started for the run and stopped after it.
      """,
    subcommands: [
      Suite.self, FanoutCommand.self, PublishCommand.self, LatencyCommand.self, CommandTimeCommand.self,
      MemoryCommand.self, TLSStreamCommand.self, SyncTraceCommand.self, SoakCommand.self, Selftest.self,
    ])

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    Leftovers.clearOnSignals()
    raiseFileLimit()
    main(nil)
  }
}

extension PeerKind: ExpressibleByArgument {}
extension Measurement.Group: ExpressibleByArgument {}
