import Glibc

/// A folder that goes away with what is in it.
///
/// It is made under `TMPDIR`, or else under /var/tmp and not /tmp, which is often kept in memory: what is measured as
/// durable shall have a disk beneath it.
final class TemporaryFolder {
  let path: String

  static var parent: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp" }

  /// The type of the file system that these folders are on, as /proc/mounts has it: `ext4`, `tmpfs`, ….
  static var fileSystem: String {
    var best = (mount: "", type: "unknown")
    for line in (readFile("/proc/mounts") ?? "").split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 2 else { continue }
      let mount = String(fields[1])
      let isAbove = mount == "/" || parent == mount || parent.hasPrefix(mount + "/")
      if isAbove && mount.utf8.count >= best.mount.utf8.count { best = (mount, String(fields[2])) }
    }
    return best.type
  }

  init() throws {
    let parent = Self.parent
    var template = Array("\(parent)/qq-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw BenchError.system("mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    Leftovers.add(folder: path)
  }

  deinit {
    Self.delete(path)
    Leftovers.remove(folder: path)
  }

  static func delete(_ path: String) {
    if let remove = try? Child.start(["/bin/rm", "-rf", "--", path]) { _ = remove.wait() }
  }
}
