import Glibc

/// Bytes a second of one TLS stream between `openssl s_client` and `openssl s_server` on loopback: what encryption and
/// the sockets cost at the least when nobody relays anything. The client reads /dev/zero, the server writes to
/// /dev/null, and what it has written is the kernel's count of it, so that no third process has a part in it.
func measureTLSStream(_ programs: Programs, warmup: Double, seconds: Double) throws -> Double {
  let folder = try TemporaryFolder()
  let files = try Server.certificateFiles(in: folder)
  let port = try freePort()

  // The server also watches its own stdin; one that never says anything and never ends leaves it in peace.
  let silence = "\(folder.path)/silence"
  guard mkfifo(silence, 0o600) == 0 else { throw BenchError.system("mkfifo") }
  let writer = open(silence, O_RDWR | O_CLOEXEC)
  guard writer >= 0 else { throw BenchError.system("open \(silence)") }
  defer { close(writer) }

  let server = try Child.start(
    [
      programs.openssl, "s_server", "-accept", "127.0.0.1:\(port)", "-cert", files["cert"]!, "-key", files["key"]!,
      "-tls1_3", "-quiet", "-naccept", "1",
    ], input: silence, errors: "\(folder.path)/server.err")
  defer { server.stop() }
  // It takes one connection only, so looking whether it listens yet must not be by connecting.
  for _ in 0..<500 where !isListening(port) { usleep(10_000) }
  guard isListening(port) else { throw BenchError("s_server: \(readFile("\(folder.path)/server.err") ?? "")") }
  let client = try Child.start(
    [programs.openssl, "s_client", "-connect", "127.0.0.1:\(port)", "-tls1_3", "-quiet"],
    input: "/dev/zero", errors: "\(folder.path)/client.err")
  defer { client.stop() }

  usleep(UInt32(warmup * 1e6))
  let (start, before) = (monotonicNanoseconds(), try bytesWritten(by: server.pid))
  usleep(UInt32(seconds * 1e6))
  let bytes = try bytesWritten(by: server.pid) - before
  let elapsed = Double(monotonicNanoseconds() - start) / 1e9
  guard bytes > 0 else { throw BenchError("nothing flows between s_client and s_server") }
  return Double(bytes) / elapsed
}

/// What a process has handed to write calls so far.
private func bytesWritten(by process: pid_t) throws -> Int {
  guard let io = readFile("/proc/\(process)/io"),
    let line = io.split(separator: "\n").first(where: { $0.hasPrefix("wchar:") }),
    let count = Int(line.filter { $0.isNumber })
  else { throw BenchError("process \(process) tells nothing of its input and output: is it gone?") }
  return count
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
