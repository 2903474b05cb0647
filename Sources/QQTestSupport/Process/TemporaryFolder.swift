import Glibc

/// A folder of a test's own, removed with the last reference to it.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() throws {
    var template = Array("/tmp/qq-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemFault("mkdtemp") }
    path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  deinit {
    Self.removeAll(path)
  }

  private static func removeAll(_ path: String) {
    // Fails for what is a folder, and never follows a link.
    if unlink(path) == 0 { return }
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { removeAll(path + "/" + name) }
    }
    closedir(directory)
    rmdir(path)
  }

  public func makeDirectory(_ name: String) throws {
    guard mkdir("\(path)/\(name)", 0o700) == 0 || errno == EEXIST else { throw SystemFault("mkdir \(name)") }
  }

  public func write(_ text: String, to name: String) throws {
    try write(Array(text.utf8), to: name)
  }

  public func write(_ bytes: [UInt8], to name: String) throws {
    let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemFault("open \(name)") }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemFault("write \(name)") }
  }

  public func read(_ name: String) throws -> String {
    try Self.contents("\(path)/\(name)")
  }

  /// What a file says, wherever it is.
  public static func contents(_ path: String) throws -> String {
    String(decoding: try bytes(path), as: UTF8.self)
  }

  /// The names in a folder, sorted.
  public func names(_ folder: String) -> [String] {
    guard let directory = opendir("\(path)/\(folder)") else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }

  public func bytes(_ name: String) throws -> [UInt8] { try Self.bytes("\(path)/\(name)") }

  private static func bytes(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFault("open \(path)") }
    defer { close(descriptor) }
    var all: [UInt8] = []
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = Glibc.read(descriptor, &bytes, bytes.count), count > 0 { all += bytes[..<count] }
    return all
  }

  /// Permission bits.
  public func mode(_ name: String) throws -> mode_t {
    var status = stat()
    guard stat("\(path)/\(name)", &status) == 0 else { throw SystemFault("stat \(name)") }
    return status.st_mode & 0o7777
  }

  public func remove(_ name: String) {
    unlink("\(path)/\(name)")
  }
}
