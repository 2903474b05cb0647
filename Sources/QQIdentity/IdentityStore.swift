import Glibc
import QQProtocol

/// The identities of an account's users: `identities/NICK.key` in a state directory such as `$XDG_STATE_HOME/qq`.
public struct IdentityStore: Sendable {
  private let directory: String

  /// `stateDirectory` need not exist yet.
  public init(stateDirectory: String) {
    directory = stateDirectory + "/identities"
  }

  /// Where the identity of `nick` is or would be.
  public func path(for nick: String) throws(IdentityError) -> String {
    // Shells and scripts see the name of the file: nothing that a hub would refuse may be one, whoever says it.
    guard (try? Nick(nick)) != nil else { throw .badNick(nick) }
    return "\(directory)/\(nick).key"
  }

  /// The nicks that have an identity here, sorted.
  public func list() throws(IdentityError) -> [String] {
    guard let stream = opendir(directory) else {
      if errno == ENOENT { return [] }
      throw .system(.list, path: directory, code: errno)
    }
    defer { closedir(stream) }
    var nicks: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 1) { String(validatingCString: $0) }
      }
      guard let name, name.hasSuffix(".key") else { continue }
      let nick = String(name.dropLast(4))
      if (try? path(for: nick)) != nil { nicks.append(nick) }
    }
    return nicks.sorted()
  }

  /// The identity of `nick`, made on first use.
  public func loadOrCreate(_ nick: String) throws(IdentityError) -> Identity {
    try Identity.loadOrCreate(path(for: nick), commonName: nick)
  }

  /// Gives the identity of one nick another nick, which must have none: `.exists` otherwise. The name in the
  /// certificate stays, and nobody reads it.
  public func rename(from nick: String, to other: String) throws(IdentityError) {
    try PrivateFile.move(from: path(for: nick), to: path(for: other))
  }
}
