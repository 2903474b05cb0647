import NIOCore

/// NIO's sockets for IPv6 take IPv4 as well, unless this is set: ipv6(7).
public enum OnlyIPv6 {
  public static let option = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
}

/// Notices a peer that has gone without a word (a cable pulled, a machine switched off) within a minute, on a connection
/// that is idle as on one that waits for what it wrote to arrive: tcp(7).
public enum DeadPeers {
  /// TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT in seconds and probes, TCP_USER_TIMEOUT in milliseconds.
  public static let options:
    [(option: ChannelOptions.Types.SocketOption, value: ChannelOptions.Types.SocketOption.Value)] = [
      (.init(level: .socket, name: .so_keepalive), 1),
      (.init(level: .tcp, name: .init(rawValue: 4)), 20),
      (.init(level: .tcp, name: .init(rawValue: 5)), 5),
      (.init(level: .tcp, name: .init(rawValue: 6)), 4),
      (.init(level: .tcp, name: .init(rawValue: 18)), 40_000),
    ]
}
