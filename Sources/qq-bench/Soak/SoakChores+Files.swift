import Glibc

extension SoakChore {
  private static let sizes = [0, 1, 4_096, 100_000, 1_048_576, 1_048_577, 5_000_000, 30 << 20]

  /// Files of all sizes to somebody who saves them; who that is comes and goes.
  static let files = SoakChore(name: "files", pause: 1_500) { world in
    let inbox = "\(world.path)/inbox"
    mkdir(inbox, 0o700)
    var receiver: Child?
    return { number in
      let saving =
        try receiver ?? world.start(["listen", "--save", inbox, "--nick", "saver"], name: "saver", state: "files")
      receiver = saving
      // The first time the nick has to be there.
      if number == 0 { try world.run(["who", "--wait", "saver"], nick: "watcher", state: "files") }
      let path = "\(world.path)/file"
      try fill(path, sizes[number % sizes.count], seed: number)
      try world.run(
        ["sendfile", "saver", path, "--name", "file-\(number)", "--wait", "delivered"], nick: "uploader",
        state: "files")
      let saved = "\(inbox)/file-\(number)"
      guard fileSize(saved) == sizes[number % sizes.count] else {
        throw BenchError("\(saved) isn't what was sent")
      }
      unlink(saved)
      if number % 10 == 9 || world.board.isOver {
        saving.stop()
        receiver = nil
      }
    }
  }

  /// Folders, to whoever sends them, which wait at the hub until their time is up.
  static let folders = SoakChore(name: "folders", pause: 5_000) { world in
    let path = "\(world.path)/folder"
    mkdir(path, 0o700)
    return { number in
      for index in 0..<20 { try fill("\(path)/f\(index)", 1_000 * index, seed: number) }
      try world.run(["sendfile", "collector", path], nick: "collector", state: "files")
    }
  }

  /// Files that are sent, fetched and thrown away.
  static let fetching = SoakChore(name: "fetched", pause: 1_000) { world in
    let path = "\(world.path)/small"
    return { number in
      try fill(path, sizes[number % (sizes.count - 1)], seed: number)
      let sent = try world.run(["sendfile", "fetcher", path, "-q"], nick: "fetcher", state: "files")
      guard let start = sent.firstRange(of: "\"id\":\"") else { throw BenchError("sendfile printed no id: \(sent)") }
      let id = String(sent[start.upperBound...].prefix { $0 != "\"" })
      let copy = "\(world.path)/copy"
      try world.run(["get", id, "-o", copy], nick: "fetcher", state: "files")
      guard fileSize(copy) == sizes[number % (sizes.count - 1)] else { throw BenchError("\(copy) isn't what was sent") }
      unlink(copy)
    }
  }

  private static func fill(_ path: String, _ count: Int, seed: Int) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw BenchError.system("open \(path)") }
    defer { close(file) }
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    let words = (0..<(1 << 17)).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    var left = count
    while left > 0 {
      let size = min(left, words.count * 8)
      guard words.withUnsafeBytes({ write(file, $0.baseAddress, size) }) == size else {
        throw BenchError.system("write \(path)")
      }
      left -= size
    }
  }
}
