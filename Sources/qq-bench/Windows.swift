/// How many messages a sender may have under way: what each server was fastest with, found by sweeps on two cores.
/// `--tune` finds them anew.
enum Windows {
  static func fanout(_ server: ServerSettings, listeners: Int, size: Int) -> Int {
    switch server.kind {
    case .qq:
      if size > 512 { return 256 }
      if listeners >= 1000 { return 1024 }
      return server.isDurable || server.usesTLS ? 4096 : listeners > 10 ? 512 : 1024
    case .nats: return size > 512 ? 512 : 4096
    case .mqtt: return 256
    }
  }

  static func publish(_ server: ServerSettings) -> Int { 256 }

  static let sweep = [64, 256, 1024, 4096, 16_384]
}
