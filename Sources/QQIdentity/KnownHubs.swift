/// The hubs that were trusted before: the text file `known_hubs` in a state directory such as `$XDG_STATE_HOME/qq`.
///
///     # a comment
///     192.168.1.5:6789 SHA256:uNiVztksCsDhcc0u9e8BrrJXVCAhzPaZD3KCuUU7WZA
///     hub.example.org:6789 ca hub.example.org
///     [fe80::1%eth0]:6789 SHA256:…
///
/// Comments and lines that mean nothing to this version stay when the file is rewritten. Damage never makes a known
/// hub look unknown: whatever may have been about the hub asked for is an error.
public struct KnownHubs: Sendable {
  /// How a hub proves who it is.
  public enum Entry: Hashable, Sendable {
    /// By the key with this fingerprint.
    case pin(Fingerprint)
    /// By a certificate for `hostname` from an authority that the system trusts.
    case ca(hostname: String)
  }

  /// Where a hub is: written `HOST:PORT`, or `[HOST]:PORT` for IPv6.
  public struct Address: Hashable, Sendable {
    /// In lower case, an IP address in its canonical form.
    public let host: String
    public let port: Int

    /// Nil if `host` can be no host's name or `port` is not within 1 to 65535.
    public init?(host: String, port: Int) {
      guard let name = HostName(host), 1...65_535 ~= port else { return nil }
      self.host = name.text
      self.port = port
    }
  }

  public let path: String
  private let directory: String

  /// `stateDirectory` need not exist yet.
  public init(stateDirectory: String) {
    directory = stateDirectory
    path = stateDirectory + "/known_hubs"
  }

  /// What is known of a hub; nil if nothing is.
  public func lookup(host: String, port: Int) throws(IdentityError) -> Entry? {
    try load().entry(for: address(host, port), path: path)
  }

  /// Every entry, in the order of the file; what is not understood is skipped.
  public func all() throws(IdentityError) -> [(address: Address, entry: Entry)] {
    try load().entries
  }

  /// Where the hub with this key has been met.
  public func hosts(with fingerprint: Fingerprint) throws(IdentityError) -> [Address] {
    try all().filter { $0.entry == .pin(fingerprint) }.map(\.address)
  }

  /// Adds what is now known of a hub. Something else that was known stays, and is an `.otherwiseKnown` error, unless
  /// `replacing`.
  public func remember(
    host: String, port: Int, _ entry: Entry, replacing: Bool = false
  ) throws(IdentityError) {
    let address = try address(host, port)
    var entry = entry
    if case .ca(let hostname) = entry {
      guard let name = HostName(hostname), !name.isAddress else { throw .badHostname(hostname) }
      entry = .ca(hostname: name.text)
    }
    try update { [entry] file throws(IdentityError) in
      let known = try file.entry(for: address, path: path)
      if known == entry { return false }
      if let known, !replacing {
        throw .otherwiseKnown(path: path, hub: address.description, as: known.description)
      }
      file.set(entry, for: address)
      return true
    }
  }

  /// Removes what is known of a hub, damaged lines about it included. Says whether there was anything.
  @discardableResult
  public func forget(host: String, port: Int) throws(IdentityError) -> Bool {
    let address = try address(host, port)
    return try update { file throws(IdentityError) in file.remove(address) }
  }

  private func address(_ host: String, _ port: Int) throws(IdentityError) -> Address {
    guard let address = Address(host: host, port: port) else { throw .badHub(host: host, port: port) }
    return address
  }

  private func load() throws(IdentityError) -> KnownHubsFile {
    do {
      return KnownHubsFile(try PrivateFile.read(path, limit: KnownHubsFile.limit))
    } catch .missing {
      return KnownHubsFile([])
    }
  }

  /// Reads, changes and, if `change` says so, rewrites the file while no other process does.
  @discardableResult
  private func update(
    _ change: (inout KnownHubsFile) throws(IdentityError) -> Bool
  ) throws(IdentityError) -> Bool {
    try PrivateFile.makeDirectory(directory)
    return try PrivateFile.withLock(path + ".lock") { () throws(IdentityError) in
      var file = try load()
      guard try change(&file) else { return false }
      let bytes = file.bytes
      guard bytes.count <= KnownHubsFile.limit else { throw .tooLarge(path: path, limit: KnownHubsFile.limit) }
      try PrivateFile.write(bytes, to: path, replacing: true)
      return true
    }
  }
}

extension KnownHubs.Entry: CustomStringConvertible {
  public var description: String {
    switch self {
    case .pin(let fingerprint): fingerprint.description
    case .ca(let hostname): "ca \(hostname)"
    }
  }
}

extension KnownHubs.Address: CustomStringConvertible {
  public var description: String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
