import QQTestSupport

extension Scene.Hub {
  /// A connection without TLS, welcomed as the guest `nick`.
  func guest(_ nick: String) async throws -> RawConnection {
    let connection = try self.connection()
    connection.write("{\"type\":\"hello\",\"protocol\":1,\"nick\":\"\(nick)\"}\n")
    let welcome = await connection.line()
    guard welcome?["type"] == "welcome" else { throw UnexpectedOutput(welcome?.text ?? "the end") }
    return connection
  }

  func connection() throws -> RawConnection {
    try RawConnection(port: Int(port) ?? 0)
  }

  /// Whether somebody new is served.
  func serves() async throws -> Bool {
    let guest = try await guest("passer-by")
    guest.write("{\"type\":\"ping\",\"ref\":7}\n")
    return await guest.line()?.text == "{\"type\":\"pong\",\"ref\":7}"
  }

  /// The most memory it has used so far, in MiB.
  func peakMemory() throws -> Int {
    let status = try TemporaryFolder.contents("/proc/\(process.processID)/status")
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (Int(line.filter(\.isNumber)) ?? .max) / 1024
  }
}

extension RawConnection {
  /// What a line is answered with.
  func answer(to line: String) async -> JSONLine? {
    write(line + "\n")
    return await self.line()
  }
}
