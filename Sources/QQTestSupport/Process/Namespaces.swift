import Glibc

/// Networks of a test's own: namespaces that know only loopback until a link joins two of them. They end with the
/// scene. Needs root, `unshare` and `nsenter` of util-linux, and `ip` of iproute2.
public struct Namespaces: Sendable {
  private let scene: Scene
  private let holders: [ChildProcess]

  /// Whether this process may make any.
  public static let arePossible: Bool = {
    guard geteuid() == 0, access("/usr/bin/nsenter", X_OK) == 0 else { return false }
    var status: Int32 = -1
    var child = pid_t()
    let arguments: [UnsafeMutablePointer<CChar>?] =
      ["unshare", "--net", "true"].map { (text: String) in strdup(text) } + [nil]
    defer { for argument in arguments { free(argument) } }
    guard posix_spawn(&child, "/usr/bin/unshare", nil, nil, arguments, environ) == 0 else { return false }
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return status == 0
  }()

  public init(_ count: Int, _ scene: Scene) async throws {
    self.scene = scene
    var holders: [ChildProcess] = []
    for _ in 0..<count {
      let holder = try scene.start(
        program: "/usr/bin/unshare", ["--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 1000"])
      _ = try await holder.line()
      holders.append(holder)
    }
    self.holders = holders
  }

  /// What runs a program in one of them.
  public func inside(_ number: Int) -> [String] {
    ["/usr/bin/nsenter", "-t", String(holders[number].processID), "-n", "--"]
  }

  /// Runs a line of shell in one of them, which must succeed.
  public func shell(_ number: Int, _ line: String) async throws {
    let command = inside(number) + ["sh", "-c", line]
    let child = try scene.start(program: command[0], Array(command.dropFirst()))
    guard try await child.end() == 0 else { throw UnexpectedOutput(child.standardError) }
  }

  /// Joins the first two by a cable: 10.9.0.1 and 10.9.0.2, fd09::1 and fd09::2 with `ipv6`.
  public func join(ipv6: Bool = true, multicast: Bool = true) async throws {
    try await shell(0, "ip link add cable type veth peer name cable netns \(holders[1].processID)")
    for number in [0, 1] {
      var lines = ["ip addr add 10.9.0.\(number + 1)/24 brd + dev cable"]
      if ipv6 {
        // Nobody else is there to have the same address.
        lines.append("echo 0 > /proc/sys/net/ipv6/conf/cable/accept_dad")
        lines.append("ip addr add fd09::\(number + 1)/64 dev cable nodad")
      } else {
        lines.append("echo 1 > /proc/sys/net/ipv6/conf/cable/disable_ipv6")
      }
      if !multicast { lines.append("ip link set cable multicast off") }
      try await shell(number, (lines + ["ip link set cable up"]).joined(separator: " && "))
    }
    // The system has IPv6 on a link some time after both its ends are up.
    guard ipv6 else { return }
    for number in [0, 1] {
      try await shell(
        number, "until ip -6 route show table local | grep -q 'ff00::/8 dev cable'; do sleep 0.02; done")
    }
  }
}

extension Scene {
  /// Runs `qq` in a namespace, to its end, with no hub named.
  public func run(
    _ namespace: [String], _ arguments: String..., state: String = "state"
  ) async throws -> Finished {
    try await run(namespace, arguments: arguments, state: state)
  }

  public func run(
    _ namespace: [String], arguments: [String], state: String = "state"
  ) async throws -> Finished {
    let command = namespace + [Scene.binary] + arguments
    let child = try start(
      program: command[0], Array(command.dropFirst()), state: state, environment: ["QQ_HUB": ""])
    let status = try await child.end()
    return Finished(status: status, lines: child.rest, standardError: child.standardError)
  }
}
