import Glibc

/// Folders of many files, which go when everything is measured: for a minute after inodes are freed ext4 takes no new ones
/// in their places, and looks at each of them for every file that is made (`recently_deleted` in fs/ext4/ialloc.c).
final class Graveyard {
  private var folders: [TemporaryFolder] = []

  func keep(_ folder: TemporaryFolder) {
    folders.append(folder)
  }
}

/// What is sent: one large file, or a folder of many small ones.
struct FileLoad: Hashable {
  var files: Int
  var bytes: Int

  static func one(_ bytes: Int) -> FileLoad { FileLoad(files: 1, bytes: bytes) }
  static let many = FileLoad(files: 10_000, bytes: 4096)

  var total: Int { files * bytes }
}

/// How it is sent.
enum Carrier: String {
  case qq
  case scp
  case rsync
}

/// Sends files from disk to disk over loopback, from starting the command to its end: through a hub until the receiver has
/// verified and renamed them, or by a command over ssh.
struct FileTransfers {
  var programs: Programs
  var load: FileLoad
  var graveyard: Graveyard

  /// Seconds.
  func measure(_ carrier: Carrier, usesTLS: Bool) throws -> Double {
    let folder = try TemporaryFolder()
    if load.files > 1 { graveyard.keep(folder) }
    let source = try makeSource(in: folder)
    let inbox = "\(folder.path)/inbox"
    guard mkdir(inbox, 0o700) == 0 else { throw BenchError.system("mkdir") }
    let seconds =
      carrier == .qq
      ? try throughHub(source, inbox, usesTLS: usesTLS, folder) : try throughSSH(carrier, source, inbox, folder)
    try compare(source, "\(inbox)/load")
    return seconds
  }

  // MARK: What is sent

  private func makeSource(in folder: TemporaryFolder) throws -> String {
    let path = "\(folder.path)/load"
    if load.files == 1 {
      try fill(path, load.bytes, seed: 1)
    } else {
      for index in 0..<load.files {
        let part = "\(path)/d\(index / 100)"
        if index % 100 == 0 { for name in [path, part] { mkdir(name, 0o700) } }
        try fill("\(part)/f\(index)", load.bytes, seed: UInt64(index))
      }
    }
    // On the disk, and what earlier runs deleted is gone from it: neither is what is measured.
    sync()
    usleep(3_000_000)
    return path
  }

  private func fill(_ path: String, _ count: Int, seed: UInt64) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw BenchError.system("open \(path)") }
    defer { close(file) }
    // Nothing that compresses, and nothing that is the same twice.
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    var left = count
    while left > 0 {
      let words = min(left, 1 << 20) / 8
      let bytes = (0..<words).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
      }
      let size = words * 8
      guard bytes.withUnsafeBytes({ write(file, $0.baseAddress, size) }) == size else {
        throw BenchError.system("write \(path)")
      }
      left -= size
    }
  }

  private func compare(_ source: String, _ copy: String) throws {
    let child = try Child.start(["/usr/bin/diff", "-rq", source, copy])
    guard child.wait() == 0 else { throw BenchError("what arrived at \(copy) is not what was sent") }
  }

  // MARK: Through a hub

  private func throughHub(_ source: String, _ inbox: String, usesTLS: Bool, _ folder: TemporaryFolder) throws -> Double
  {
    let server = try Server.start(.init(kind: .qq, usesTLS: usesTLS, isDurable: true), programs)
    defer { server.stop() }
    let client = FileClient(programs, server, folder)
    let receiver = try client.receive(into: inbox)
    defer { receiver.stop() }
    let start = monotonicNanoseconds()
    try client.send(source)
    return Double(monotonicNanoseconds() - start) / 1e9
  }

  // MARK: Over ssh

  private func throughSSH(
    _ carrier: Carrier, _ source: String, _ inbox: String, _ folder: TemporaryFolder
  ) throws -> Double {
    let port = try freePort()
    try makeKey("\(folder.path)/host")
    try makeKey("\(folder.path)/user")
    try writeFile(
      "\(folder.path)/sshd_config",
      """
      ListenAddress 127.0.0.1:\(port)
      HostKey \(folder.path)/host
      AuthorizedKeysFile \(folder.path)/user.pub
      StrictModes no
      UsePAM no
      PidFile none
      PermitRootLogin yes
      Subsystem sftp internal-sftp

      """)
    // Where no system's sshd has made it.
    mkdir("/run/sshd", 0o755)
    let log = "\(folder.path)/sshd.log"
    let server = try Child.start([programs.sshd, "-D", "-e", "-f", "\(folder.path)/sshd_config"], errors: log)
    defer { server.stop() }
    try waitForPort(port, server, log)
    let options = [
      "-i", "\(folder.path)/user", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
      "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-F", "none",
    ]
    let place = "\(userName())@127.0.0.1:\(inbox)/"
    let command =
      switch carrier {
      case .rsync:
        [programs.rsync, "-a", "-e", (["ssh", "-p", "\(port)"] + options).joined(separator: " "), source, place]
      case .qq, .scp: [programs.scp, "-q", "-r", "-p", "-P", "\(port)"] + options + [source, place]
      }
    let start = monotonicNanoseconds()
    let status = try Child.start(command, errors: "\(folder.path)/copy.log").wait()
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    guard status == 0 else {
      throw BenchError("\(carrier.rawValue) ended with \(status): \(readFile("\(folder.path)/copy.log") ?? "")")
    }
    return seconds
  }

  private func makeKey(_ path: String) throws {
    let status = try Child.start([programs.sshKeygen, "-q", "-t", "ed25519", "-N", "", "-f", path]).wait()
    guard status == 0 else { throw BenchError("ssh-keygen ended with \(status)") }
  }

  private func waitForPort(_ port: UInt16, _ server: Child, _ log: String) throws {
    for _ in 0..<500 {
      if let status = server.poll() { throw BenchError("sshd ended with \(status): \(readFile(log) ?? "")") }
      if (try? Connection(to: Endpoint(port: port, usesTLS: false))) != nil { return }
      usleep(10_000)
    }
    throw BenchError("sshd isn't ready after 5 s")
  }

  private func userName() -> String {
    getpwuid(getuid()).flatMap { $0.pointee.pw_name }.map { String(cString: $0) } ?? "root"
  }
}

/// The commands that send and save files at a hub.
struct FileClient {
  private let programs: Programs
  private let environment: [String: String]
  private let security: [String]
  private let folder: TemporaryFolder

  init(_ programs: Programs, _ server: Server, _ folder: TemporaryFolder) {
    self.programs = programs
    self.folder = folder
    security = server.settings.usesTLS ? [] : ["--plaintext"]
    environment = [
      "XDG_STATE_HOME": "\(folder.path)/client", "XDG_CONFIG_HOME": "\(folder.path)/client", "HOME": folder.path,
      "QQ_HUB": "127.0.0.1:\(server.endpoint.port)",
    ]
  }

  private func start(_ arguments: [String], _ nick: String) throws -> Child {
    try Child.start(
      [programs.qq] + arguments + ["--nick", nick] + security, environment: environment,
      errors: "\(folder.path)/\(nick).log")
  }

  private func run(_ arguments: [String], _ nick: String) throws {
    let status = try start(arguments, nick).wait()
    guard status == 0 else {
      throw BenchError("qq \(arguments[0]) ended with \(status): \(readFile("\(folder.path)/\(nick).log") ?? "")")
    }
  }

  /// Somebody who saves what comes; returns once that user is online.
  func receive(into inbox: String) throws -> Child {
    let receiver = try start(["listen", "--save", inbox], "receiver")
    do {
      try run(["who", "--wait", "receiver", "--timeout", "10s"], "watcher")
    } catch {
      receiver.stop()
      throw error
    }
    return receiver
  }

  /// Returns once the receiver has it whole and in its place.
  func send(_ path: String) throws {
    try run(["sendfile", "receiver", path, "--wait", "delivered", "--timeout", "120s"], "sender")
  }

  func startSending(_ path: String) throws -> Child { try start(["sendfile", "receiver", path], "sender") }
}

/// How late messages are while a file moves through the same hub at full speed.
struct LatencyBesideFile {
  var programs: Programs
  var bytes: Int
  var seconds: Double

  func measure() throws -> LatencyResult {
    let folder = try TemporaryFolder()
    let server = try Server.start(.init(kind: .qq, usesTLS: false, isDurable: true), programs)
    defer { server.stop() }
    // The messages' own connections are plaintext; the file's are not.
    let client = FileClient(programs, server, folder)
    let inbox = "\(folder.path)/inbox"
    guard mkdir(inbox, 0o700) == 0 else { throw BenchError.system("mkdir") }
    let receiver = try client.receive(into: inbox)
    defer { receiver.stop() }
    // A hole reads as fast as anything can be sent.
    let path = "\(folder.path)/load"
    try writeFile(path, "")
    guard truncate(path, off_t(bytes)) == 0 else { throw BenchError.system("truncate") }
    let sender = try client.startSending(path)
    defer { sender.stop() }
    var settings = LatencySettings(listeners: 10, rate: 200, warmup: 0.5, seconds: seconds)
    settings.server = server.pid
    let result = try Latency(try server.peer(), settings).run()
    guard sender.poll() == nil else { throw BenchError("the file was through before the messages were") }
    return result
  }
}
