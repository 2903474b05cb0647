/// The hub that is used where none is named: the file `default_hub` in a state directory, `HOST:PORT FINGERPRINT` and,
/// where it was entered as another than the account's own, the identity's name. Only where it was found last; which hub
/// it is, the fingerprint says.
public struct RememberedHub: Equatable, Sendable {
  /// `HOST:PORT`.
  public var place: String
  public var fingerprint: Fingerprint
  /// The identity to use there where none is named.
  public var identity: String?

  public init(place: String, fingerprint: Fingerprint, identity: String? = nil) {
    self.place = place
    self.fingerprint = fingerprint
    self.identity = identity
  }

  public static func path(_ stateDirectory: String) -> String { stateDirectory + "/default_hub" }

  /// nil where there is none, or the file says nothing that this version understands: it is only a memory.
  public static func load(stateDirectory: String) throws(IdentityError) -> RememberedHub? {
    let bytes: [UInt8]
    do {
      bytes = try PrivateFile.read(path(stateDirectory), limit: 4_096)
    } catch .missing {
      return nil
    }
    let words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
    guard 2...3 ~= words.count, let fingerprint = Fingerprint(words[1]) else { return nil }
    return RememberedHub(
      place: String(words[0]), fingerprint: fingerprint, identity: words.count == 3 ? String(words[2]) : nil)
  }

  public func save(stateDirectory: String) throws(IdentityError) {
    try PrivateFile.makeDirectory(stateDirectory)
    let words = ["\(place)", "\(fingerprint)"] + (identity.map { [$0] } ?? [])
    try PrivateFile.write(
      Array((words.joined(separator: " ") + "\n").utf8), to: Self.path(stateDirectory), replacing: true)
  }
}
