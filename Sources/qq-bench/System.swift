import Glibc

/// What went wrong in a run: one line, fit to be shown.
struct BenchError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }

  /// The error that a failed system call left in `errno`.
  static func system(_ call: String, _ code: Int32 = errno) -> BenchError {
    BenchError("\(call): \(String(cString: strerror(code)))")
  }
}

/// Nanoseconds of the monotonic clock, which every process of this machine shares.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// Processor time this process has used, user and system together, in seconds.
func ownProcessorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Processor time the process `pid` has used, in seconds, to the kernel's tick of 10 ms; nil where it is gone.
func processorSeconds(of pid: pid_t) -> Double? {
  guard let stat = readFile("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
  // After the name in parentheses: state is field 3, utime and stime are 14 and 15.
  let fields = stat[stat.index(after: end)...].split(separator: " ")
  guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
  return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
}

/// Lets this process and its children open as many files as the hard limit allows.
func raiseFileLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// The whole of a small file as text; nil where it can't be read.
func readFile(_ path: String) -> String? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = read(file, &chunk, chunk.count)
    if count == 0 { break }
    if count < 0 { return nil }
    bytes.append(contentsOf: chunk[0..<count])
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// Bytes of a file; nil where there is none. The C library's `stat` is shadowed by CoreFoundation's, which isn't linked.
func fileSize(_ path: String) -> Int? {
  let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
  guard file >= 0 else { return nil }
  defer { close(file) }
  let size = lseek(file, 0, SEEK_END)
  return size >= 0 && size < .max ? Int(size) : nil
}

/// Writes a small file anew, readable by its owner alone.
func writeFile(_ path: String, _ text: String) throws {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  guard file >= 0 else { throw BenchError.system("open \(path)") }
  defer { close(file) }
  guard writeAll(file, text) else { throw BenchError.system("write \(path)") }
}

/// Writes all of a text; false where that can't be done.
func writeAll(_ descriptor: Int32, _ text: String) -> Bool {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return false }
    bytes = bytes.dropFirst(count)
  }
  return true
}

/// Where an executable is: `name` itself if it holds a slash, else the first match on PATH or in the `sbin` folders,
/// which Debian leaves out of an ordinary user's PATH although its servers live there.
func findExecutable(_ name: String) -> String? {
  if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
  let path = getenv("PATH").map { String(cString: $0) } ?? ""
  let folders = path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin"]
  return folders.lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}

/// The machine the figures belong to.
struct Machine {
  var processor: String
  var cores: Int
  var memoryMiB: Int
  var kernel: String
  var system: String
  /// Processes that wanted to run, on average over the last minute.
  var load: Double

  static func current() -> Machine {
    var names = utsname()
    uname(&names)
    let kernel = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let processor = field("model name", of: "/proc/cpuinfo", separator: ":") ?? "unknown"
    let memory = field("MemTotal", of: "/proc/meminfo", separator: ":") ?? "0"
    let system = field("PRETTY_NAME", of: "/etc/os-release", separator: "=") ?? "Linux"
    return Machine(
      processor: processor,
      cores: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      memoryMiB: (Int(memory.prefix { $0.isNumber }) ?? 0) / 1024,
      kernel: kernel,
      system: system.filter { $0 != "\"" },
      load: readFile("/proc/loadavg")?.split(separator: " ").first.flatMap { Double($0) } ?? 0)
  }

  var json: JSONLine {
    JSONLine([
      ("type", "machine"), ("processor", .string(processor)), ("cores", .int(cores)), ("memory_mib", .int(memoryMiB)),
      ("kernel", .string(kernel)), ("system", .string(system)),
      ("load_average", .number(load)), ("data_file_system", .string(TemporaryFolder.fileSystem)),
    ])
  }

  private static func field(_ name: String, of path: String, separator: Character) -> String? {
    guard let text = readFile(path) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      guard let colon = line.firstIndex(of: separator) else { continue }
      return String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    return nil
  }
}
