import Glibc

/// What can go wrong with keys, certificates and the files that keep them. Programs switch on the case; `message` is
/// for the user and says what happened, to what, and what to do.
public enum IdentityError: Error, Hashable, Sendable {
  /// What the system refused to do to a path.
  public enum Operation: String, Hashable, Sendable {
    case open, read, write, link, rename, remove, lock, list
    case makeDirectory = "make the directory"
  }

  /// Something is there already and was not replaced.
  case exists(path: String)
  case missing(path: String)
  /// A system call failed with `code`, an errno.
  case system(Operation, path: String, code: Int32)
  case notAFile(path: String)
  case notADirectory(path: String)
  case tooLarge(path: String, limit: Int)
  /// A secret that others may read or write.
  case exposed(path: String, mode: UInt32)
  /// A secret that belongs to another account, whose user id is `owner`.
  case foreign(path: String, owner: UInt32)
  case malformedIdentity(path: String, reason: String)
  case cannotMakeKey(reason: String)
  case badNick(String)
  case badHub(host: String, port: Int)
  /// A host name that no certificate authority can vouch for, such as an IP address.
  case badHostname(String)
  /// A line of `known_hubs`, counted from 1, that may have decided about `hub` and cannot be understood.
  case malformedKnownHub(path: String, line: Int, hub: String)
  /// `known_hubs` says something else about `hub` already.
  case otherwiseKnown(path: String, hub: String, as: String)
  /// Another process kept the lock for too long.
  case busy(path: String)
  case badCertificateFile(path: String, reason: String)
  case badKeyFile(path: String, reason: String)
  case mismatchedKey(certificate: String, key: String)

  /// One line for the user.
  public var message: String {
    switch self {
    case .exists(let path):
      "\(path) exists already: remove it or choose another name"
    case .missing(let path):
      "\(path) does not exist: check the name"
    case .system(let operation, let path, let code):
      "cannot \(operation.rawValue) \(path): \(String(cString: strerror(code)))"
    case .notAFile(let path):
      "\(path) is not a regular file: move it away"
    case .notADirectory(let path):
      "\(path) is not a directory: move it away"
    case .tooLarge(let path, let limit):
      "\(path) is larger than \(limit) bytes and cannot be what it should be: check the name, or move it away"
    case .exposed(let path, let mode):
      "the key in \(path) is open to others (mode 0\(String(mode, radix: 8))): run chmod 600 \(shellQuoted(path))"
    case .foreign(let path, let owner):
      "the key in \(path) belongs to the account with user id \(owner): run as that account, or use a key of your own"
    case .malformedIdentity(let path, let reason):
      "\(path) holds no usable identity (\(reason)): restore it from a backup, or remove it to get a new one"
    case .cannotMakeKey(let reason):
      "cannot make a key (\(reason)): please report this"
    case .badNick(let nick):
      "\(nick.debugDescription) cannot be a nick: use 1 to 32 letters, digits, '-', '_' and '.', a letter or digit first"
    case .badHub(let host, let port):
      "\(host.debugDescription) with port \(port) is no hub's address: use HOST:PORT or [IPV6]:PORT, port 1 to 65535"
    case .badHostname(let hostname):
      "\(hostname.debugDescription) is no host name that a certificate can prove: use the hub's DNS name"
    case .malformedKnownHub(let path, let line, let hub):
      "line \(line) of \(path) is damaged and may be about \(hub): correct it, or remove it to trust the hub anew"
    case .otherwiseKnown(let path, let hub, let known):
      "\(path) already knows \(hub) as \(known): forget that hub first if you trust the new one"
    case .busy(let path):
      "another process holds \(path): try again, or end that process"
    case .badCertificateFile(let path, let reason):
      "cannot use the certificate in \(path) (\(reason)): give a PEM file, the hub's certificate first"
    case .badKeyFile(let path, let reason):
      "cannot use the key in \(path) (\(reason)): give a PEM file with an unencrypted private key"
    case .mismatchedKey(let certificate, let key):
      "the key in \(key) does not belong to the certificate in \(certificate): give the two that were made together"
    }
  }
}

extension IdentityError: CustomStringConvertible {
  public var description: String { message }
}

/// `path` as a POSIX shell takes it, quoted only where it must be.
private func shellQuoted(_ path: String) -> String {
  let plain = path.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"): true
    default: byte >= 0x80
    }
  }
  if plain, !path.hasPrefix("-") { return path }
  return "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
