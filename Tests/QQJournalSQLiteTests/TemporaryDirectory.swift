import Glibc

/// A directory that goes with the last reference to it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/qq-journal-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError(code: errno) }
    path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  deinit {
    for name in names { unlink(path + "/" + name) }
    rmdir(path)
  }

  var journal: String { path + "/journal.db" }

  var names: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  func read(_ name: String) throws -> [UInt8] {
    let descriptor = open(path + "/" + name, O_RDONLY)
    guard descriptor >= 0 else { throw SystemError(code: errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
    guard pread(descriptor, &bytes, bytes.count, 0) == bytes.count else { throw SystemError(code: errno) }
    return bytes
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw SystemError(code: errno) }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError(code: errno) }
  }

  func mode(_ name: String) throws -> mode_t {
    var status = stat()
    guard stat(path + "/" + name, &status) == 0 else { throw SystemError(code: errno) }
    return status.st_mode & 0o7777
  }

  /// What a crash at this moment would leave: the journal's files as they are, in another directory.
  func crashed() throws -> TemporaryDirectory {
    let image = try TemporaryDirectory()
    for name in names where name.hasPrefix("journal.db") { try image.write(read(name), to: name) }
    return image
  }
}

struct SystemError: Error {
  var code: Int32
}
