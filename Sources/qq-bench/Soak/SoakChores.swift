import Glibc

/// Something that is done to a hub again and again, on a thread of its own.
struct SoakChore: Sendable {
  var name: String
  /// Between two times, in milliseconds.
  var pause: UInt32
  /// Makes what is done each time, given how often it was done before. What it makes stays on its thread.
  var make: @Sendable (SoakWorld) throws -> (Int) throws -> Void

  func run(_ world: SoakWorld) {
    let board = world.board
    let once: (Int) throws -> Void
    do {
      once = try make(world)
    } catch {
      return board.failed(name, error)
    }
    var number = 0
    while !board.isOver {
      do {
        try once(number)
        board.count(name)
      } catch {
        board.failed(name, error)
        usleep(200_000)
      }
      number += 1
      usleep(pause * 1_000)
    }
  }
}

/// Everything that a soak mixes.
func soakChores(_ world: SoakWorld, rate: Int) throws -> [SoakChore] {
  [
    .messages(rate: rate), .comingAndGoing, .guests, .groups, .names, .files, .folders, .fetching, .invites, .backups,
  ]
}

extension SoakChore {
  /// Readers that take over a cursor, read what is unread, acknowledge it and go: by a close or a reset.
  static let comingAndGoing = SoakChore(name: "listeners", pause: 50) { world in
    let users = try (0..<5).map { try SelfSignedCertificate.make(name: "comer\($0)") }
    return { number in
      let link = try SoakLink(world.endpoint, nick: "comer\(number % 5)", as: users[number % 5])
      let start = ["\"unread\"", "\"now\"", "0"][number % 3]
      try link.send(
        #"{"type":"listen","ref":1,"after":\#(start),"cursor":"listen","reader":"r\#(number)","hold":true,"live":true}"#
      )
      let end = monotonicNanoseconds() + UInt64(number % 7) * 100_000_000
      var seq = ""
      repeat {
        link.take(milliseconds: 20)
        while let line = link.line() {
          guard let found = line.firstRange(of: "\"seq\":") else { continue }
          seq = String(line[found.upperBound...].prefix { $0.isNumber })
        }
      } while monotonicNanoseconds() < end && !link.isOver
      if !seq.isEmpty { try link.send(#"{"type":"ack","seq":\#(seq)}"#) }
      if number % 2 == 0 { link.reset() } else { link.close() }
    }
  }

  /// Guests with nicks that nobody had before.
  static let guests = SoakChore(name: "guests", pause: 100) { world in
    var lines = SoakLines()
    return { number in
      let link = try SoakLink(world.endpoint, nick: "guest-\(number)")
      try link.ask(#"{"type":"listen","ref":1,"after":"now"}"#)
      try link.send(lines.send(to: "guest-\(number)", "to myself"))
      _ = try link.answer(for: "send")
      try link.send(#"{"type":"who","ref":2}"#)
      if number % 3 == 0 { return link.reset() }
      _ = try link.answer(for: "who")
      link.close()
    }
  }

  /// Groups that nobody was in before.
  static let groups = SoakChore(name: "groups", pause: 100) { world in
    var user = try SelfSignedCertificate.make(name: "joiner")
    var link: SoakLink?
    var lines = SoakLines()
    return { number in
      let joiner = try link ?? SoakLink(world.endpoint, nick: "joiner-\(number / 500)", as: user)
      link = nil
      // A user joins so many at once, and one a second then.
      if number % 500 == 499 {
        link?.close()
        link = nil
        user = try SelfSignedCertificate.make(name: "joiner")
      }
      let group = "@group-\(number)"
      try joiner.ask(#"{"type":"join","ref":1,"group":"\#(group)"}"#)
      try joiner.ask(lines.send(to: group, "to the group"))
      try joiner.ask(#"{"type":"leave","ref":2,"group":"\#(group)"}"#)
      link = number % 50 == 49 ? nil : joiner
    }
  }

  /// One user goes through a few nicks; a hub lets nobody have many.
  static let names = SoakChore(name: "renames", pause: 300) { world in
    let user = try SelfSignedCertificate.make(name: "renamer")
    var link: SoakLink?
    return { number in
      let renamer = try link ?? SoakLink(world.endpoint, nick: "renamer", as: user)
      link = nil
      try renamer.ask(#"{"type":"nick","ref":1,"nick":"renamer-\#(number % 8)"}"#)
      link = number % 20 == 19 ? nil : renamer
    }
  }

  /// Invites: one is used and its user removed, the next is revoked.
  static let invites = SoakChore(name: "invites", pause: 2_000) { world in
    { number in
      let token = try world.runAsOwner(["invite", "--expires", "1h"], "inviter")
      func field(_ name: String) -> String {
        token.firstRange(of: "\"\(name)\":\"").map { String(token[$0.upperBound...].prefix { $0 != "\"" }) } ?? ""
      }
      guard number % 2 == 0 else {
        try world.runAsOwner(["admin", "revoke", field("id")], "inviter")
        return
      }
      let file = "\(world.path)/token"
      try writeFile(file, field("token") + "\n")
      let nick = "invited-\(number)"
      try world.run(["accept"], nick: nick, state: "invited", input: file)
      try world.run(["send", "@all", "here I am"], nick: nick, state: "invited")
      try world.runAsOwner(["admin", "remove", nick], "inviter")
      for end in ["out", "err"] { unlink("\(world.path)/\(nick).\(end)") }
    }
  }

  static let backups = SoakChore(name: "backups", pause: 10_000) { world in
    { _ in try world.runAsOwner(["admin", "backup", "--keep", "1"], "keeper") }
  }
}
