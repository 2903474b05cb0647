import Glibc

/// What a trace of the hub's system calls shows about its acknowledgements.
struct SyncTraceResult {
  var acknowledged = 0
  /// Acknowledged without an fdatasync or fsync of the write-ahead log that began after the message was read and ended
  /// before the answer.
  var early = 0
  var syncs = 0

  var fields: [(String, JSONLine.Value)] {
    [("acknowledged", .int(acknowledged)), ("early", .int(early)), ("syncs", .int(syncs))]
  }
}

/// Reads the output of `strace -f -y -s 1048576 -e trace=…` and checks each acknowledgement.
///
/// A sync counts for a message if it was begun after the call that read the message had returned, and had returned
/// before the call that wrote its `sent` line was begun. strace splits a call that others overtake into an `unfinished`
/// and a `resumed` line; the position of either line in the trace is when it happened.
struct SyncTraceReader {
  private(set) var result = SyncTraceResult()
  private var position = 0
  private var readAt: [String: Int] = [:]
  private var answered: Set<String> = []
  /// By thread: where its unfinished sync began.
  private var running: [Substring: Int] = [:]
  private var syncs: [(began: Int, ended: Int)] = []

  mutating func read(line: Substring) {
    position += 1
    let fields = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard fields.count == 2 else { return }
    let thread = fields[0]
    let call = fields[1].drop { $0 == " " }
    if call.hasPrefix("fdatasync(") || call.hasPrefix("fsync(") {
      guard call.contains("-wal>") else { return }
      if call.contains("unfinished") {
        running[thread] = position
      } else if call.hasSuffix("= 0") {
        syncs.append((position, position))
      }
    } else if call.hasPrefix("<... fdatasync") || call.hasPrefix("<... fsync") {
      if let began = running.removeValue(forKey: thread), call.hasSuffix("= 0") { syncs.append((began, position)) }
    } else if Self.reads.contains(where: { call.hasPrefix($0) || call.hasPrefix("<... " + $0.dropLast()) }) {
      for id in ids(in: call, of: "") where readAt[id] == nil { readAt[id] = position }
    } else if Self.writes.contains(where: { call.hasPrefix($0) }) {
      for id in ids(in: call, of: #"\"type\":\"sent\""#) where answered.insert(id).inserted { check(id) }
    }
    result.syncs = syncs.count
  }

  private static let reads = ["read(", "readv(", "recvfrom(", "recvmsg("]
  private static let writes = ["write(", "writev(", "sendto(", "sendmsg("]

  private mutating func check(_ id: String) {
    result.acknowledged += 1
    guard let readAt = readAt[id], syncs.reversed().contains(where: { $0.began > readAt && $0.ended < position })
    else {
      result.early += 1
      return
    }
  }

  /// The ids of the lines that hold `type`, if it isn't empty, among the bytes of a call, which strace prints with
  /// escaped quotes.
  private func ids(in call: Substring, of type: String) -> [String] {
    let marker = #"\"id\":\""#
    return call.split(separator: "\\n").compactMap { line in
      guard type.isEmpty || line.contains(type), let start = line.firstRange(of: marker) else { return nil }
      let id = line[start.upperBound...].prefix { $0 != "\\" }
      return id.utf8.count == ULIDSource.length ? String(id) : nil
    }
  }
}

/// Runs a short publish against a durable hub under strace and checks every acknowledgement in the trace.
func traceSyncs(_ programs: Programs) throws -> SyncTraceResult {
  guard let strace = findExecutable("strace") else { throw BenchError("strace isn't installed") }
  let folder = try TemporaryFolder()
  let trace = "\(folder.path)/trace"
  let server = try Server.start(
    ServerSettings(kind: .qq, isDurable: true), programs,
    tracer: [
      strace, "-D", "-f", "-y", "-s", "1048576", "-o", trace, "-e",
      "trace=fdatasync,fsync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg",
    ])
  let settings = FloodSettings(senders: 4, listeners: 0, window: 8, acknowledged: true, warmup: 0, seconds: 1)
  do {
    _ = try Flood(try server.peer(), settings).run()
  } catch {
    server.stop()
    throw error
  }
  server.stop()
  usleep(300_000)
  var reader = SyncTraceReader()
  for line in (readFile(trace) ?? "").split(separator: "\n") { reader.read(line: line) }
  guard reader.result.acknowledged > 0 else { throw BenchError("the trace shows no acknowledgement") }
  return reader.result
}
