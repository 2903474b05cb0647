/// How many messages a sender may have under way: what each server was fastest with. Found with `--tune` on 2 cores.
enum Windows {
  static func fanout(_ server: ServerSettings, listeners: Int, size: Int) -> Int {
    switch server.kind {
    case .qq: return size > 512 ? 512 : 2048
    case .nats: return size > 512 ? 512 : 4096
    case .mqtt: return 256
    }
  }

  static func publish(_ server: ServerSettings) -> Int {
    switch server.kind {
    case .qq: return 256
    case .nats: return 256
    case .mqtt: return 256
    }
  }

  static let sweep = [64, 256, 1024, 4096, 16_384, 65_536]
}
