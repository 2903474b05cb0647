import Glibc

/// Bytes a second of one TLS stream between `openssl s_client` and `openssl s_server` on loopback: what encryption and
/// the sockets cost at the least when nobody relays anything. From the client's start to the server's end.
func measureTLSStream(_ programs: Programs, bytes: Int) throws -> Double {
  let folder = try TemporaryFolder()
  let files = try Server.certificateFiles(in: folder)
  let port = try freePort()

  // The server also watches its own stdin; one that never says anything and never ends leaves it in peace.
  let silence = "\(folder.path)/silence"
  guard mkfifo(silence, 0o600) == 0 else { throw BenchError.system("mkfifo") }
  let writer = open(silence, O_RDWR | O_CLOEXEC)
  guard writer >= 0 else { throw BenchError.system("open \(silence)") }
  defer { close(writer) }

  let zeros = "\(folder.path)/zeros"
  try writeFile(zeros, "")
  guard truncate(zeros, bytes) == 0 else { throw BenchError.system("truncate") }

  let server = try Child.start(
    [
      programs.openssl, "s_server", "-accept", "127.0.0.1:\(port)", "-cert", files["cert"]!, "-key", files["key"]!,
      "-tls1_3", "-quiet", "-naccept", "1",
    ], input: silence, errors: "\(folder.path)/server.err")
  defer { if server.poll() == nil { server.stop() } }
  // It takes one connection only, so looking whether it listens yet must not be by connecting.
  while !isListening(port) {
    if server.poll() != nil { throw BenchError("s_server: \(readFile("\(folder.path)/server.err") ?? "")") }
    usleep(10_000)
  }

  let start = monotonicNanoseconds()
  let client = try Child.start(
    [programs.openssl, "s_client", "-connect", "127.0.0.1:\(port)", "-tls1_3", "-quiet", "-no_ign_eof"],
    input: zeros, errors: "\(folder.path)/client.err")
  let clientStatus = client.wait()
  let serverStatus = server.wait()
  let seconds = Double(monotonicNanoseconds() - start) / 1e9
  guard clientStatus == 0, serverStatus == 0 else {
    throw BenchError("the openssl stream ended with \(clientStatus) and \(serverStatus)")
  }
  return Double(bytes) / seconds
}

/// Whether a socket on this port listens, by the kernel's table.
private func isListening(_ port: UInt16) -> Bool {
  let digits = String(port, radix: 16, uppercase: true)
  let suffix = ":" + String(repeating: "0", count: 4 - digits.count) + digits
  for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
    for line in (readFile(path) ?? "").split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ")
      if fields.count > 3, fields[1].hasSuffix(suffix), fields[3] == "0A" { return true }
    }
  }
  return false
}
