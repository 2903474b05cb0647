import Glibc

/// What the hub holds and how long things take, every ten seconds; a line a minute, and a verdict.
final class SoakReport {
  private struct Sample {
    var values: [String: Double]
  }

  private let world: SoakWorld
  private let minutes: Double
  private var samples: [Sample] = []
  private var last = SoakMetrics()
  private var lastTime = monotonicNanoseconds()

  private static let interval = 10.0
  /// What is compared at the end.
  private static let compared = [
    "rss_mib", "descriptors", "threads", "commit_mean_ms", "commit_p99_ms", "delivery_p50_ms", "delivery_p99_ms",
  ]

  init(_ world: SoakWorld, minutes: Double) {
    self.world = world
    self.minutes = minutes
  }

  /// Until the time is up or the hub has ended.
  func run() {
    let start = monotonicNanoseconds()
    let count = max(2, Int((minutes * 60 / Self.interval).rounded()))
    for number in 1...count {
      let due = start + UInt64(Double(number) * minutes * 60e9 / Double(count))
      while monotonicNanoseconds() < due {
        guard world.hubRuns else { return }
        usleep(100_000)
      }
      do {
        samples.append(try sample())
      } catch {
        world.board.failed("figures", error)
      }
      if number % 6 == 0 || number == count { line(minute: Double(number) * minutes / Double(count)).emit() }
    }
  }

  private func sample() throws -> Sample {
    let now = monotonicNanoseconds()
    let metrics = try SoakMetrics(port: world.metricsPort)
    let delays = world.board.takeDelays().sorted()
    let commits = metrics.commits(since: last)
    let status = readFile("/proc/\(world.hub)/status") ?? ""
    let threads = status.split(separator: "\n").first { $0.hasPrefix("Threads:") }.flatMap {
      Double($0.filter(\.isNumber))
    }
    defer { (last, lastTime) = (metrics, now) }
    return Sample(values: [
      "rss_mib": Double(try residentMemory(of: world.hub)) / 1024,
      "descriptors": Double(entries(of: "/proc/\(world.hub)/fd").count), "threads": threads ?? 0,
      "messages_per_second": metrics.grown("qq_messages_total", since: last) / (Double(now - lastTime) / 1e9),
      "commit_mean_ms": commits.mean * 1000, "commit_p99_ms": commits.p99 * 1000,
      "delivery_p50_ms": Double(percentile(0.5, ofSorted: delays)) / 1e6,
      "delivery_p99_ms": Double(percentile(0.99, ofSorted: delays)) / 1e6,
    ])
  }

  /// The medians of the last minute.
  private func line(minute: Double) -> JSONLine {
    let recent = samples.suffix(6)
    func value(_ name: String) -> JSONLine.Value {
      .number(median(recent.compactMap { $0.values[name] }) ?? 0)
    }
    var fields: [(String, JSONLine.Value)] = [("type", "soak"), ("minute", .number(minute))]
    for name in ["rss_mib", "descriptors", "threads"] { fields.append((name, value(name))) }
    fields.append(("data_mib", .number(size(of: world.dataDirectory) / 1_048_576)))
    for name in ["messages_per_second"] + Self.compared.dropFirst(3) { fields.append((name, value(name))) }
    fields.append(("errors", .int(world.board.errors)))
    for (name, count) in world.board.counts.sorted(by: { $0.key < $1.key }) { fields.append((name, .int(count))) }
    return JSONLine(fields)
  }

  /// How the last fifth stands to the first, after a tenth that doesn't count.
  func verdict() -> JSONLine {
    let counted = samples.dropFirst(max(1, samples.count / 10))
    let fifth = max(1, counted.count / 5)
    var fields: [(String, JSONLine.Value)] = [("type", "verdict"), ("samples", .int(counted.count))]
    for name in Self.compared {
      let first = median(counted.prefix(fifth).compactMap { $0.values[name] }) ?? 0
      let last = median(counted.suffix(fifth).compactMap { $0.values[name] }) ?? 0
      fields.append((name + "_first", .number(first)))
      fields.append((name + "_last", .number(last)))
      fields.append((name + "_ratio", .number(first > 0 ? last / first : 0)))
    }
    fields.append(("errors", .int(world.board.errors)))
    if let end = world.board.hubEnd { fields.append(("hub_ended_with", .string(end))) }
    return JSONLine(fields)
  }
}

/// Names in a folder; none where there is no such folder.
private func entries(of path: String) -> [String] {
  guard let folder = opendir(path) else { return [] }
  defer { closedir(folder) }
  var names: [String] = []
  while let entry = readdir(folder) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

/// Bytes of the files beneath a folder.
private func size(of path: String) -> Double {
  let names = entries(of: path)
  guard names.isEmpty else { return names.reduce(0) { $0 + size(of: "\(path)/\($1)") } }
  return Double(fileSize(path) ?? 0)
}

/// What the hub tells Prometheus.
struct SoakMetrics {
  private var values: [String: Double] = [:]
  /// Commits that took no longer than so many seconds, in order.
  private var buckets: [(limit: Double, count: Double)] = []

  init() {}

  init(port: UInt16) throws {
    let connection = try Connection(to: Endpoint(port: port))
    defer { connection.close() }
    try connection.send("GET /metrics HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
    var lines: [String] = []
    // The hub closes after one answer.
    while let line = try? connection.receiveLine() { lines.append(line) }
    self.init(lines)
    guard values["qq_messages_total"] != nil else { throw BenchError("no metrics: \(lines.first ?? "nothing")") }
  }

  init(_ lines: [String]) {
    for line in lines where !line.hasPrefix("#") {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let value = Double(parts[1]) else { continue }
      values[String(parts[0])] = value
      if let start = parts[0].firstRange(of: #"qq_commit_seconds_bucket{le=""#) {
        let limit = parts[0][start.upperBound...].prefix { $0 != "\"" }
        buckets.append((limit == "+Inf" ? .infinity : Double(limit) ?? 0, value))
      }
    }
  }

  func grown(_ name: String, since other: SoakMetrics) -> Double { (values[name] ?? 0) - (other.values[name] ?? 0) }

  /// Seconds. The p99 is the limit of the bucket that it is in.
  func commits(since other: SoakMetrics) -> (mean: Double, p99: Double) {
    let count = grown("qq_commit_seconds_count", since: other)
    guard count > 0 else { return (0, 0) }
    let p99 = buckets.indices.first { index in
      let before = index < other.buckets.count ? other.buckets[index].count : 0
      return buckets[index].count - before >= 0.99 * count
    }
    return (grown("qq_commit_seconds_sum", since: other) / count, p99.map { buckets[$0].limit } ?? 0)
  }
}
