import DequeModule
import Glibc
import QQHub
import QQJournal

/// What a hub has done since it started, for whoever watches it. Pure; times are seconds of any clock that doesn't jump.
struct HubMetrics: Sendable {
  /// How long things took, as Prometheus counts it: each bucket has all that took no longer than its bound.
  struct Histogram: Sendable, Equatable {
    /// Seconds.
    static let bounds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

    private(set) var counts = [Int](repeating: 0, count: bounds.count)
    private(set) var count = 0
    private(set) var sum = 0.0

    mutating func add(_ seconds: Double) {
      count += 1
      sum += seconds
      for (index, bound) in Self.bounds.enumerated() where seconds <= bound { counts[index] += 1 }
    }

    /// nil without any.
    var mean: Double? { count > 0 ? sum / Double(count) : nil }

    /// The least bound that this share of all keeps; nil without any, or where none does.
    func bound(of share: Double) -> Double? {
      guard count > 0 else { return nil }
      return counts.firstIndex { Double($0) >= share * Double(count) }.map { Self.bounds[$0] }
    }
  }

  private(set) var messages = 0
  private(set) var files = 0
  private(set) var deliveries = 0
  private(set) var deliveredBytes = 0
  private(set) var connections = 0
  private(set) var commits = Histogram()
  /// Appends that haven't come back: when, and how many records.
  private var underWay: Deque<(time: Double, count: Int)> = []

  mutating func connected() { connections += 1 }

  mutating func appended(_ count: Int, at time: Double) { underWay.append((time, count)) }

  /// What comes back first is what was appended first. Records that were replayed at the start were never appended.
  mutating func committed(_ records: [Committed], at time: Double) {
    for committed in records {
      guard case .message(let body) = committed.record.body else { continue }
      switch body.attachment {
      case nil: messages += 1
      case .file: files += 1
      case .complete: break
      }
    }
    for began in cameBack(records.count) { commits.add(time - began) }
  }

  /// They didn't come back, and will not.
  mutating func refused(_ count: Int) { _ = cameBack(count) }

  /// Returns when each append was made that has come back whole.
  private mutating func cameBack(_ count: Int) -> [Double] {
    var left = count
    var times: [Double] = []
    while left > 0, let first = underWay.first {
      if first.count <= left {
        underWay.removeFirst()
        times.append(first.time)
      } else {
        underWay[0].count -= left
      }
      left -= first.count
    }
    return times
  }

  /// How many lines end in these bytes. By the C library, which looks at many bytes at once.
  static func lines(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard var place = bytes.baseAddress else { return 0 }
    let end = place + bytes.count
    var count = 0
    while place < end, let newline = memchr(place, Int32(UInt8(ascii: "\n")), end - place) {
      count += 1
      place = UnsafeRawPointer(newline) + 1
    }
    return count
  }

  mutating func delivered(lines: Int, bytes: Int, to readers: Int) {
    deliveries += lines * readers
    deliveredBytes += bytes * readers
  }

  // MARK: Prometheus

  /// The text exposition format, version 0.0.4
  /// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
  /// `free`: bytes on the disk of the data.
  func text(
    _ status: HubStatus, refusals: [String: Int], memory: Int, started: Double, free: Int64? = nil
  ) -> String {
    var out = ""
    func metric(_ name: String, _ kind: String, _ help: String, _ values: [(labels: String, value: String)]) {
      out += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
      for (labels, value) in values { out += "\(name)\(labels) \(value)\n" }
    }
    func gauge(_ name: String, _ help: String, _ value: Int64) { metric(name, "gauge", help, [("", "\(value)")]) }
    func counter(_ name: String, _ help: String, _ value: Int) { metric(name, "counter", help, [("", "\(value)")]) }
    gauge("qq_sessions", "Connections that were welcomed or are about to be.", Int64(status.sessions))
    gauge("qq_readers", "Sessions that listen.", Int64(status.readers))
    gauge("qq_readers_behind", "Sessions that listen and don't have everything yet.", Int64(status.behind))
    gauge("qq_users", "Users with a key who are let in.", Int64(status.users))
    gauge("qq_uncommitted_records", "Records on their way to the disk.", Int64(status.uncommitted))
    gauge("qq_journal_seq", "The newest place in the journal.", status.seq)
    gauge("qq_spool_files", "Files that are kept whole.", Int64(status.files))
    gauge("qq_spool_bytes", "Bytes of files that are kept whole.", status.fileBytes)
    if let free { gauge("qq_disk_free_bytes", "Bytes free on the disk of the data.", free) }
    gauge("qq_journal_full", "1 while the disk has no room for messages.", status.isFull ? 1 : 0)
    gauge("qq_open_invites", "Invites that can be used.", Int64(status.openInvites))
    counter("qq_connections_total", "Connections that were opened.", connections)
    counter("qq_messages_total", "Messages that were committed.", messages)
    counter("qq_files_total", "Files that were offered.", files)
    counter("qq_deliveries_total", "Events that were written to readers.", deliveries)
    counter("qq_delivered_bytes_total", "Bytes of events that were written to readers.", deliveredBytes)
    metric(
      "qq_refused_total", "counter", "What was refused, by the error's code.",
      refusals.sorted { $0.key < $1.key }.map { ("{reason=\"\($0.key)\"}", "\($0.value)") })
    var buckets = zip(Histogram.bounds, commits.counts).map { ("_bucket{le=\"\($0)\"}", "\($1)") }
    buckets += [
      ("_bucket{le=\"+Inf\"}", "\(commits.count)"), ("_sum", "\(commits.sum)"), ("_count", "\(commits.count)"),
    ]
    metric("qq_commit_seconds", "histogram", "From handing records to the journal until they are durable.", buckets)
    gauge("process_resident_memory_bytes", "Memory in use.", Int64(memory))
    metric("process_start_time_seconds", "gauge", "When it started, in seconds since 1970.", [("", "\(started)")])
    return out
  }
}
