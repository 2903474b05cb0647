import Testing

@testable import QQIdentity

@Suite("Identity store")
struct IdentityStoreTests {
  let directory = TemporaryDirectory()
  var store: IdentityStore { IdentityStore(stateDirectory: directory("qq")) }

  @Test("a nick's identity is made on first use, in a file of the nick's name")
  func creates() throws {
    let alice = try store.loadOrCreate("alice")
    #expect(try Identity.load(directory("qq/identities/alice.key")).fingerprint == alice.fingerprint)
    #expect(try store.loadOrCreate("alice").fingerprint == alice.fingerprint)
    #expect(try store.loadOrCreate("bob").fingerprint != alice.fingerprint)
    #expect(mode(directory("qq")) == 0o700)
  }

  @Test("the list has the nicks and nothing else, and is empty at first")
  func lists() throws {
    #expect(try store.list() == [])
    for nick in ["王小明", "bob", "alice", "a.key"] { _ = try store.loadOrCreate(nick) }
    try put("", directory("qq/identities/.hidden.key"))
    try put("", directory("qq/identities/notes.txt"))
    #expect(try store.list() == ["a.key", "alice", "bob", "王小明"])
  }

  @Test("a renamed identity keeps its key")
  func renames() throws {
    let alice = try store.loadOrCreate("alice")
    try store.rename(from: "alice", to: "alicia")
    #expect(try store.list() == ["alicia"])
    #expect(try store.loadOrCreate("alicia").fingerprint == alice.fingerprint)
  }

  @Test("renaming replaces nobody")
  func renameCollision() throws {
    let alice = try store.loadOrCreate("alice")
    let bob = try store.loadOrCreate("bob")
    #expect(throws: IdentityError.exists(path: try store.path(for: "bob"))) {
      try store.rename(from: "alice", to: "bob")
    }
    #expect(throws: IdentityError.missing(path: try store.path(for: "carol"))) {
      try store.rename(from: "carol", to: "dave")
    }
    #expect(try store.loadOrCreate("alice").fingerprint == alice.fingerprint)
    #expect(try store.loadOrCreate("bob").fingerprint == bob.fingerprint)
  }

  @Test(
    "a nick that would escape the directory or hide in it is refused",
    arguments: [
      "", ".", "..", ".alice", "a/b", "../alice", "/alice", "a\0b", "a\nb", "$(id)", "`id`", "a b", "-n",
      String(repeating: "a", count: 33),
    ])
  func refuses(nick: String) throws {
    #expect(throws: IdentityError.badNick(nick)) { try store.path(for: nick) }
    #expect(throws: IdentityError.badNick(nick)) { try store.loadOrCreate(nick) }
    #expect(throws: IdentityError.badNick(nick)) { try store.rename(from: "alice", to: nick) }
  }

  @Test("the longest nick has a file, however many bytes its letters take")
  func longest() throws {
    let nick = String(repeating: "𠀀", count: 32)
    _ = try store.loadOrCreate(nick)
    #expect(try store.list() == [nick])
  }
}
