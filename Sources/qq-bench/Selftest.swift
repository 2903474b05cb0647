import ArgumentParser

struct Selftest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest", abstract: "Checks the instrument's own arithmetic against known values.")

  func run() throws {
    var checks = Checks()
    statistics(&checks)
    lineCounter(&checks)
    search(&checks)
    encoders(&checks)
    stamps(&checks)
    traces(&checks)
    metrics(&checks)
    JSONLine([("type", "selftest"), ("checks", .int(checks.count)), ("failed", .int(checks.failed.count))]).emit()
    for failure in checks.failed { note("wrong: \(failure)") }
    guard checks.failed.isEmpty else { throw ExitCode.failure }
  }

  private struct Checks {
    var count = 0
    var failed: [String] = []

    mutating func equal<Value: Equatable>(_ what: String, _ value: Value, _ expected: Value) {
      count += 1
      if value != expected { failed.append("\(what) is \(value), not \(expected)") }
    }
  }

  private func statistics(_ checks: inout Checks) {
    checks.equal("median of three", median([3, 1, 2]), 2)
    checks.equal("median of four", median([4, 1, 3, 2]), 2.5)
    checks.equal("median of none", median([]), nil)
    let hundred = Array(1...100)
    checks.equal("p50 of 1…100", percentile(0.5, ofSorted: hundred), 50)
    checks.equal("p99 of 1…100", percentile(0.99, ofSorted: hundred), 99)
    checks.equal("p100 of 1…100", percentile(1, ofSorted: hundred), 100)
    checks.equal("p50 of one", percentile(0.5, ofSorted: [7]), 7)
    checks.equal("p99 of none", percentile(0.99, ofSorted: [Int]()), 0)
    checks.equal("plain", plain(0.5304), "0.53")
    checks.equal("plain of a large number", plain(1234.56), "1235")
    checks.equal("plain below zero", plain(-0.25), "-0.25")
    checks.equal("readable", Report().readable(6_412_345), "6,412,345")
    checks.equal("JSON", JSONLine([("a", "x\"\\\n"), ("b", .bool(true))]).text, #"{"a":"x\"\\\n","b":true}"#)
  }

  private func lineCounter(_ checks: inout Checks) {
    for length in [0, 1, 31, 32, 33, 63, 64, 255 * 32, 255 * 32 + 1, 256 * 32 + 31, 100_003] {
      for step in [1, 2, 3, 32, 221] {
        let bytes = (0..<length).map { $0 % step == 0 ? UInt8(0x0A) : UInt8($0 & 0xFF | 0x80) }
        let expected = bytes.count { $0 == 0x0A }
        checks.equal(
          "newlines in \(length) bytes, every \(step)", bytes.withUnsafeBytes { countNewlines($0) }, expected)
      }
    }
  }

  private func search(_ checks: inout Checks) {
    let bytes = Array("abcabd".utf8)
    for (wanted, place) in [("abd", 3), ("abc", 0), ("d", 5), ("bd", 4)] as [(String, Int?)] + [("abdx", nil)] {
      checks.equal("place of \(wanted)", bytes.withUnsafeBytes { find(Array(wanted.utf8), in: $0) }, place)
    }
  }

  private func encoders(_ checks: inout Checks) {
    checks.equal("MQTT length 0", MQTTPacket.length(0), [0])
    checks.equal("MQTT length 127", MQTTPacket.length(127), [0x7F])
    checks.equal("MQTT length 128", MQTTPacket.length(128), [0x80, 0x01])
    checks.equal("MQTT length 16384", MQTTPacket.length(16_384), [0x80, 0x80, 0x01])
    checks.equal(
      "MQTT CONNECT", MQTTPacket.connect(client: "c"),
      [0x10, 13, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x63])
    checks.equal(
      "MQTT SUBSCRIBE", MQTTPacket.subscribe(topic: "t", packetID: 258), [0x82, 6, 1, 2, 0, 1, 0x74, 0])
    checks.equal("MQTT PUBLISH 0", MQTTPacket.publish(topic: "t", payload: [1, 2]), [0x30, 5, 0, 1, 0x74, 1, 2])
    checks.equal(
      "MQTT PUBLISH 1", MQTTPacket.publish(topic: "t", payload: [1], packetID: 7), [0x32, 6, 0, 1, 0x74, 0, 7, 1])
    if let nats = try? NATSPeer(endpoint: Endpoint(port: 1)) {
      let text = Array("hi".utf8)
      checks.equal(
        "NATS PUB", String(decoding: nats.frame(text: text, sender: 3, acknowledged: false).bytes, as: UTF8.self),
        "PUB bench 2\r\nhi\r\n")
      checks.equal(
        "JetStream PUB", String(decoding: nats.frame(text: text, sender: 3, acknowledged: true).bytes, as: UTF8.self),
        "PUB durable _INBOX.sender3 2\r\nhi\r\n")
    }
    if let qq = try? QQPeer(endpoint: Endpoint(port: 1)) {
      let frame = qq.frame(text: Array("hi".utf8), sender: 0, acknowledged: true)
      checks.equal("where the id stands", frame.idAt.map { frame.bytes[$0 - 1] }, UInt8(ascii: "\""))
      checks.equal("where the ref stands", frame.refAt.map { frame.bytes[$0 - 1] }, UInt8(ascii: ":"))
      checks.equal(
        "a send", String(decoding: frame.bytes, as: UTF8.self),
        #"{"type":"send","ref":1000000000,"id":"00000000000000000000000000","to":["@all"],"text":"hi"}"# + "\n")
    }
    checks.equal(
      "the port of a hub", Server.readyPort(#"{"type":"ready","address":"127.0.0.1:40123","x":1}"# + "\n"), 40123)
  }

  private func stamps(_ checks: inout Checks) {
    // The example of the ULID specification: 1469922850259 ms is 01ARZ3NDEK… without its random part.
    checks.equal(
      "time of a ULID", String(decoding: ULIDSource.encode(1_469_922_850_259, characters: 10), as: UTF8.self),
      "01ARZ3NDEK")
    var source = ULIDSource(milliseconds: 1_469_922_850_259, seed: 1)
    var ids: [String] = []
    for _ in 0..<1100 {
      var bytes = [UInt8](repeating: 0, count: ULIDSource.length)
      bytes.withUnsafeMutableBufferPointer { source.write(to: $0.baseAddress!) }
      ids.append(String(decoding: bytes, as: UTF8.self))
    }
    checks.equal("the first id", ids.first, "01ARZ3NDEK0000010000000000")
    checks.equal("ids that differ", Set(ids).count, ids.count)
    checks.equal("ids in order", ids.sorted(), ids)
    let stamp = TimeStamp.encode(0x0123_4567_89AB_CDEF)
    checks.equal("a stamp", String(decoding: stamp, as: UTF8.self), "~0123456789abcdef")
    checks.equal(
      "a stamp read back", stamp.withUnsafeBufferPointer { TimeStamp.decode($0.baseAddress! + 1) },
      0x0123_4567_89AB_CDEF)
    checks.equal("tildes in a text", benchText(size: 4096).contains(TimeStamp.marker), false)
  }

  private func metrics(_ checks: inout Checks) {
    func commits(_ counts: [Int], _ sum: Double) -> SoakMetrics {
      SoakMetrics(
        ["# TYPE qq_commit_seconds histogram"]
          + zip(["0.001", "0.01", "+Inf"], counts).map { "qq_commit_seconds_bucket{le=\"\($0)\"} \($1)" }
          + ["qq_commit_seconds_sum \(sum)", "qq_commit_seconds_count \(counts.last ?? 0)", "qq_messages_total 7"])
    }
    let (before, after) = (commits([100, 100, 100], 1), commits([198, 200, 200], 1.5))
    checks.equal("mean of the commits between", after.commits(since: before).mean, 0.005)
    checks.equal("p99 of the commits between", after.commits(since: before).p99, 0.01)
    checks.equal("p99 of all commits", after.commits(since: SoakMetrics()).p99, 0.001)
    checks.equal("commits of no time", before.commits(since: before).mean, 0)
    checks.equal("messages since the start", after.grown("qq_messages_total", since: SoakMetrics()), 7)
  }

  private func traces(_ checks: inout Checks) {
    let read =
      #"7 read(9<TCP:[1]>, "{\"type\":\"send\",\"ref\":1,\"id\":\"01ARZ3NDEK0000010000000000\"}\n", 4096) = 60"#
    let answer =
      #"7 writev(9<TCP:[1]>, [{iov_base="{\"type\":\"sent\",\"ref\":1,\"id\":\"01ARZ3NDEK0000010000000000\"}\n", iov_len=60}], 1) = 60"#
    func early(_ lines: [String]) -> [Int] {
      var reader = SyncTraceReader()
      for line in lines { reader.read(line: line[...]) }
      return [reader.result.acknowledged, reader.result.early]
    }
    checks.equal("a sync between", early([read, "8 fdatasync(5</d/j.db-wal>) = 0", answer]), [1, 0])
    checks.equal("a sync of another file", early([read, "8 fdatasync(6</d/j.db>) = 0", answer]), [1, 1])
    checks.equal("no sync", early([read, answer]), [1, 1])
    checks.equal("a sync before", early(["8 fdatasync(5</d/j.db-wal>) = 0", read, answer]), [1, 1])
    checks.equal(
      "a sync begun before",
      early(["8 fdatasync(5</d/j.db-wal> <unfinished ...>", read, "8 <... fdatasync resumed>) = 0", answer]), [1, 1])
    checks.equal(
      "a sync that ends after",
      early([read, "8 fdatasync(5</d/j.db-wal> <unfinished ...>", answer, "8 <... fdatasync resumed>) = 0"]), [1, 1])
    checks.equal(
      "a sync that fails", early([read, "8 fdatasync(5</d/j.db-wal>) = -1 EIO (Input/output error)", answer]), [1, 1])
  }
}
