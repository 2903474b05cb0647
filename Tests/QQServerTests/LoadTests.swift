import Glibc
import QQTestSupport
import Testing

@Suite("more than a hub likes") struct LoadTests {
  @Test(
    "a reader that doesn't read holds up nobody, costs bounded memory, and gets everything in the end",
    arguments: ["1", "3"])
  func slowReader(_ threads: String) async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--threads", threads)
      let slow = try await hub.guest("slow")
      let quick = try await hub.guest("quick")
      for reader in [slow, quick] {
        #expect(await reader.answer(to: "{\"type\":\"listen\",\"ref\":1,\"after\":\"now\"}")?["type"] == "ok")
      }
      slow.pauseReading(true)
      let before = try hub.peakMemory()
      let sender = try await hub.guest("sender")
      let text = String(repeating: "x", count: 60_000)
      let count = 850
      // Whoever takes nothing for 40 s counts as gone (`DeadPeers`), and a busy machine may take longer.
      // On a thread of its own: those that tasks share, and that of all scenes, may be busy for longer than that.
      let waking = Watched((isWanted: true, isOver: false))
      defer { waking.update { $0.isWanted = false } }
      OwnThread.detach {
        var time = 0
        while waking.read({ $0.isWanted }) {
          usleep(100_000)
          time += 1
          guard time % 100 == 0 else { continue }
          slow.pauseReading(false)
          usleep(20_000)
          slow.pauseReading(true)
        }
        waking.update { $0.isOver = true }
      }
      // 50 MB, while the quick one reads.
      let numbers = try await quick.received(count) {
        for number in 1...count {
          let id = String("0000000000000000000000\(10_000 + number)".suffix(26))
          sender.write(
            "{\"type\":\"send\",\"ref\":\(number),\"id\":\"0\(id.suffix(25))\",\"to\":[\"@all\"],\"text\":\"\(number) \(text)\"}\n"
          )
          if number % 16 == 0 { #expect(await sender.isDrained()) }
        }
      }
      #expect(numbers == Array(1...count))
      for number in 1...count { #expect(await sender.line()?.integer("ref") == Int64(number)) }
      #expect(try await hub.serves())
      #expect(try hub.peakMemory() - before < 200)
      waking.update { $0.isWanted = false }
      _ = await waking.first(within: ChildProcess.patience) { $0.isOver ? true : nil }
      slow.pauseReading(false)
      #expect(try await slow.received(count) {} == Array(1...count))
      #expect(hub.process.isRunning)
    }
  }

  @Test("others are heard while long answers go out to somebody who reads them as fast as they come")
  func longAnswers() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--threads", "1")
      var readers: [RawConnection] = []
      for number in 0..<60 {
        let reader = try await hub.guest("reader-\(number)")
        #expect(await reader.answer(to: "{\"type\":\"listen\",\"ref\":1,\"after\":\"now\"}")?["type"] == "ok")
        readers.append(reader)
      }
      let (mallory, victim) = (
        try RawConnection.connect(port: Int(hub.port) ?? 0), try RawConnection.connect(port: Int(hub.port) ?? 0)
      )
      let hello = Array("{\"type\":\"hello\",\"protocol\":1}\n".utf8)
      let state = Watched((isOver: false, pongs: 0, threads: 2))
      // On threads of their own, and nothing is looked at: whoever reads slowly lets others be heard.
      OwnThread.detach {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var line = hello
        while !state.read({ $0.isOver }), write(victim, line, line.count) == line.count,
          read(victim, &buffer, buffer.count) > 0
        {
          line = Array("{\"type\":\"ping\"}\n".utf8)
          state.update { $0.pongs += 1 }
        }
        state.update { $0.threads -= 1 }
      }
      #expect(await state.first(within: ChildProcess.patience) { $0.pongs > 0 ? true : nil } == true)
      let before = state.read { $0.pongs }
      OwnThread.detach {
        let lines = hello + String(repeating: "{\"type\":\"who\"}\n", count: 3_000).utf8 + "{\"type\":\"ping\"}\n".utf8
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var size = write(mallory, lines, lines.count) == lines.count ? 1 : 0
        while size > 0, !String(decoding: buffer[..<size].suffix(40), as: UTF8.self).contains("pong") {
          size = read(mallory, &buffer, buffer.count)
        }
        state.update {
          $0.isOver = true
          $0.threads -= 1
        }
      }
      #expect(await state.first(within: ChildProcess.patience) { $0.threads == 0 ? true : nil } == true)
      let pongs = state.read { $0.pongs } - before
      for socket in [mallory, victim] { close(socket) }
      // Whoever waits for the end of it is answered once or twice.
      #expect(pongs > 20)
      #expect(readers.count == 60)
    }
  }

  @Test("a sender that is faster than the journal is read more slowly, and costs bounded memory")
  func fastSender() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext")
      let before = try hub.peakMemory()
      let sender = try await hub.guest("sender")
      let text = String(repeating: "x", count: 64_000)
      let count = 3_000
      for number in 1...count {
        let id = String("00000000000000000000000000\(number)".suffix(26))
        sender.write("{\"type\":\"send\",\"ref\":\(number),\"id\":\"\(id)\",\"to\":[\"@all\"],\"text\":\"\(text)\"}\n")
        if number % 16 == 0 { #expect(await sender.isDrained()) }
      }
      for number in 1...count { #expect(await sender.line()?.integer("ref") == Int64(number)) }
      #expect(try hub.peakMemory() - before < 200)
    }
  }

  @Test("a peer that asks and never reads its answers is read no more, and costs bounded memory")
  func neverReading() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--ephemeral")
      let peer = try await hub.guest("peer")
      peer.pauseReading(true)
      let before = try hub.peakMemory()
      let asking = Array(String(repeating: "{\"type\":\"who\",\"ref\":1,\"all\":true}\n", count: 4_000).utf8)
      for _ in 0..<400 {
        peer.write(asking)
        // Not taken any more, or closed: either is well.
        guard await peer.isDrained(within: .milliseconds(500)) else { break }
      }
      #expect(try await hub.serves())
      #expect(try hub.peakMemory() - before < 120)
    }
  }

  @Test("500 connections that say nothing, or half of a handshake, leave room for others")
  func idle() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--ephemeral")
      try raiseFileLimit()
      var sockets: [Int32] = []
      defer { for socket in sockets { close(socket) } }
      for number in 0..<500 {
        let socket = try RawConnection.connect(port: Int(hub.port) ?? 0)
        sockets.append(socket)
        let starts: [[UInt8]] = [[], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], Array("{\"type\":".utf8)]
        let start = starts[number % 3]
        if !start.isEmpty { #expect(write(socket, start, start.count) == start.count) }
      }
      #expect(try await hub.serves())
      #expect(try await scene.run("who", nick: "alice").status == 0)
    }
  }

  @Test("more connections than there are file descriptors: those it has are served, and others once some have gone")
  func fileDescriptors() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve(
        "--plaintext", program: ["/bin/sh", "-c", "ulimit -n 128; exec \"$0\" \"$@\""])
      try raiseFileLimit()
      let first = try await hub.guest("first")
      var sockets: [Int32] = []
      defer { for socket in sockets { close(socket) } }
      for _ in 0..<300 { sockets.append(try RawConnection.connect(port: Int(hub.port) ?? 0)) }
      #expect(await first.answer(to: "{\"type\":\"ping\",\"ref\":3}")?.integer("ref") == 3)
      // It still writes its journal.
      let sent = await first.answer(
        to: "{\"type\":\"send\",\"ref\":4,\"id\":\"00000000000000000000000001\",\"to\":[\"@all\"],\"text\":\"x\"}")
      #expect(sent?["type"] == "sent")
      let late = try hub.connection()
      #expect(await late.isClosed())
      for socket in sockets { close(socket) }
      sockets = []
      // The hub hears of that a little later.
      var isServed = false
      while !isServed {
        let guest = try hub.connection()
        isServed = await guest.answer(to: "{\"type\":\"hello\",\"protocol\":1}")?["type"] == "welcome"
      }
      #expect(hub.process.isRunning)
    }
  }

  /// For this process, which holds the other ends.
  private func raiseFileLimit() throws {
    var limit = rlimit()
    let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(files, &limit) == 0 else { throw SystemFault("getrlimit") }
    limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 4_096))
    guard setrlimit(files, &limit) == 0 else { throw SystemFault("setrlimit") }
  }
}

extension RawConnection {
  /// The numbers that so many messages begin with, in the order they come, while `body` runs.
  fileprivate func received(_ count: Int, _ body: @escaping @Sendable () async throws -> Void) async throws -> [Int] {
    async let numbers: [Int] = {
      var numbers: [Int] = []
      while numbers.count < count, let line = await line() {
        guard line["type"] == "message" else { continue }
        numbers.append(line["text"].flatMap { Int($0.prefix { $0 != " " }) } ?? 0)
      }
      return numbers
    }()
    try await body()
    return await numbers
  }
}
