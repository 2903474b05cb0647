import Glibc
import QQTestSupport
import Testing

@Suite("qq-security(7)") struct SecurityPageTests {
  /// How each sentence begins, and the tests that show it, as "Suite.function"; none where a sentence promises nothing.
  private static let shown: [(sentence: String, tests: [String])] = [
    ("A hub makes itself a P-256 key", ["IdentityTests.creates", "FingerprintTests.userKeys"]),
    ("Both are presented in the TLS 1.3", ["TLSSettingsTests.handshake", "TLSSettingsTests.oldVersion"]),
    ("One key is one user", ["HubNickTests.oneKey"]),
    ("The hub binds a nick", ["HubNickTests.binding", "TrustTests.takenNick"]),
    ("A fingerprint is", ["FingerprintTests.agreesWithOpenSSL", "WhoTests.whoami"]),
    ("A client remembers the hub's key", ["KnownHubsTests.remembers", "TrustTests.changedKey"]),
    ("First contact is made only", ["DiscoveryTests.one", "DiscoveryTests.asked", "InviteTests.accept"]),
    ("First contact with a named hub", []),
    ("An invite, or qq trust --key", ["InviteTests.elsewhere", "DiscoveryTests.one"]),
    ("A hub that is announced on the LAN", ["DiscoveryTests.one", "DiscoveryTests.two"]),
    ("The announcement says where", ["DiscoveryTests.one", "DiscoveryTests.forged"]),
    ("A forged announcement", ["DiscoveryTests.forged"]),
    ("Where the key has changed", ["TrustTests.changedKey", "TrustTests.changedKeyMeanwhile"]),
    ("If the hub was set up anew", ["TrustTests.changedKey", "KnownHubsTests.conflict"]),
    ("By default whoever connects", ["AdmissionTests.owner", "AdmissionTests.admitted", "TrustTests.admitted"]),
    ("Who is a user comes in", ["AdmissionTests.known"]),
    ("qq-serve(1) prints the rule", ["BackupTests.status"]),
    ("Addresses are what", ["TargetTests.stamped"]),
    ("Behind a proxy", ["ProxyTests.trusted"]),
    ("From such a source", ["ProxyTests.silent", "ProxyTests.untrusted"]),
    (
      "An invite is 128 random bits",
      ["InviteTests.used", "InviteTests.expiresMeanwhile", "InviteTokenTests.roundTrip"]
    ),
    ("The inviter makes them up", ["InviteTests.race", "InviteTests.restart"]),
    ("The token is a password", []),
    ("It is never an argument", ["InviteTests.accept", "ServeTests.logs"]),
    ("Owners are the user", ["InviteTests.owners"]),
    ("They invite, and remove", ["RemovalTests.removed", "RemovalTests.nick"]),
    ("Where admission is by address", ["TrustTests.inviteOnly"]),
    ("There is no encryption", []),
    ("It stamps sender", ["TargetTests.stamped"]),
    ("Groups are a way", ["GroupTests.stays", "GroupTests.join"]),
    (
      "--plaintext lets guests in",
      ["TrustTests.plaintextRefused", "AdmissionTests.plaintextAdmitted", "ClassicTests.others"]
    ),
    ("A guest has no key", ["HubNickTests.guests", "TrustTests.guestGives"]),
    ("No client falls back", ["TrustTests.plaintextRefused"]),
    (
      "Text that came from others",
      ["TextSafetyTests.everyScalar", "ChatMishapTests.hostileTexts", "LyingHubTests.ends"]
    ),
    ("The name of a file", ["FileSinkTests.hostileNames", "FileSinkTests.collisions", "FileSinkTests.whole"]),
    ("Strict limits hold", ["FrameLimitTests.text", "LineFramerTests.limit", "FuzzTests.codec"]),
    ("Whoever has said nothing", ["ConnectionTests.faults", "LimitsTests.numbers"]),
    (
      "An eighth of the connections",
      ["LimitsTests.numbers", "StrangersTests.source", "StrangersTests.all", "StrangersTests.network"]
    ),
    ("A user has 64 sessions", ["LimitsTests.numbers", "TurnTests.sessions"]),
    ("Each limit that is met", ["LimitsTests.told"]),
    ("Sessions take turns", ["TurnTests.fair", "WorkTests.tenfold"]),
    ("Who doesn't read the answers", ["TurnTests.unread", "TurnTests.store"]),
    ("What a hub keeps for somebody", ["SimulationTests.hostile", "HostileHubTests.holds"]),
    (
      "A source makes 10,000",
      [
        "LimitsTests.numbers", "BoundsTests.newcomers", "BoundsTests.joins", "BoundsTests.cursors",
        "ReceiptBoundsTests.lists",
      ]
    ),
    ("A guest is forgotten", ["BoundsTests.guests", "BoundsTests.guestRemoved"]),
    ("A group is there", ["BoundsTests.unusedGroups", "BoundsTests.usedGroups"]),
    ("A member has 100 open invites", ["BoundsTests.memberInvites"]),
    ("What waits for peers", ["LimitsTests.numbers", "BacklogsTests.victims", "BacklogsTests.slow"]),
    ("A hub is bounded, too", ["LyingAnswersTests.bound", "LyingAnswersTests.flood", "LyingHubTests.ends"]),
    ("qq listen --save takes", ["SaveAllowanceTests.limit", "SaveAllowanceTests.disk"]),
    (
      "Where the hub's disk",
      ["DiskRoomTests.reserve", "BallastTests.life", "RestartTests.fullDisk", "SQLiteJournalTests.full"]
    ),
    ("--metrics answers", ["MetricsTests.http"]),
    ("It has 64 connections", ["MetricsTests.connections"]),
    ("It tells counts", ["MetricsTests.http"]),
  ]

  private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  /// The sentences between "Who is who" and the list of files.
  private static func sentences(_ page: String) -> [String] {
    // Bold is a letter, a backspace and the letter again.
    var text = ""
    var scalars = Array(page.unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      if scalars.first == "\u{8}" { scalars = scalars.dropFirst(1) } else { text.unicodeScalars.append(scalar) }
    }
    let lines = text.split(separator: "\n").drop { !$0.hasPrefix("   Who is who") }.prefix { !$0.hasPrefix("FILES") }
    let paragraphs = lines.filter { $0.hasPrefix("     ") }.map { String($0.drop { $0 == " " }) }
    return paragraphs.joined(separator: " ").replacing(/\s+/, with: " ").split(separator: /[.] (?=[A-Z-]|qq)/)
      .map { String($0) }
  }

  @Test("each of its sentences is shown by a test, and each test that is named is there")
  func shown() async throws {
    try await Scene.run { scene in
      let mandoc = try scene.start(
        program: "/usr/bin/mandoc", ["-T", "utf8", "-O", "width=500", "\(Self.root)/man/qq-security.7"])
      #expect(try await mandoc.end() == 0)
      let sentences = Self.sentences(mandoc.rest.map(\.text).joined(separator: "\n"))
      try #require(!sentences.isEmpty)
      for sentence in sentences {
        #expect(Self.shown.contains { sentence.hasPrefix($0.sentence) }, "\"\(sentence.prefix(60))\"")
      }
      for (sentence, _) in Self.shown {
        #expect(sentences.contains { $0.hasPrefix(sentence) }, "the page doesn't say \"\(sentence)\"")
      }
      let tests = try await Self.tests(scene)
      for name in Set(Self.shown.flatMap(\.tests)).sorted() { #expect(tests.contains(name), "\(name)") }
    }
  }

  /// "Suite.function" of every test there is; suites of one name in two modules are one.
  private static func tests(_ scene: Scene) async throws -> Set<String> {
    let grep = try scene.start(
      program: "/usr/bin/grep", ["-rhE", "^ *(@Suite.*)?(struct|final class) [A-Za-z]+Tests|^  func ", "\(root)/Tests"])
    #expect(try await grep.end() == 0)
    var (suite, found): (String, Set<String>) = ("", [])
    for line in grep.rest.map(\.text) {
      if let name = line.firstMatch(of: /(?:struct|class) (\w+Tests)/) { suite = String(name.1) }
      if let name = line.firstMatch(of: /^  func (\w+)/) { found.insert("\(suite).\(name.1)") }
    }
    return found
  }
}
