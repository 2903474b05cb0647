/// Why a name that somebody else chose is not used.
public struct UnsafeName: Error, Hashable, Sendable {
  public var name: String
  public var reason: String

  public init(_ name: String, _ reason: String) {
    self.name = name
    self.reason = reason
  }
}

/// Judges names that come from others, where they are about to be opened.
public enum FileName {
  /// Bytes of a name that Linux file systems take.
  public static let limit = 255
  /// What unfinished files are called, which no other may be.
  public static let partPrefix = ".qq-part-"

  /// Throws unless `name` can be one entry of a directory, and only that.
  public static func check(component name: String) throws(UnsafeName) {
    func fail(_ reason: String) -> UnsafeName { UnsafeName(name, reason) }
    if name.isEmpty { throw fail("it is empty") }
    if name == "." || name == ".." { throw fail("it is a way through the tree") }
    if name.utf8.count > limit { throw fail("it is longer than \(limit) bytes") }
    if name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }) { throw fail("it is a path") }
    if TextSafety.visible(name) != name { throw fail("it has characters that can't be shown") }
  }

  /// As `check(component:)`, for the name under which a file or a folder is to be saved among others': it mustn't be
  /// hidden, be taken for an option, or mean a device where the disk is shared with other systems.
  public static func check(top name: String) throws(UnsafeName) {
    try check(component: name)
    func fail(_ reason: String) -> UnsafeName { UnsafeName(name, reason) }
    if name.hasPrefix(".") { throw fail("it would be hidden") }
    if name.hasPrefix("-") { throw fail("it would be taken for an option") }
    if name.hasPrefix(" ") || name.hasSuffix(" ") || name.hasSuffix(".") {
      throw fail("it begins or ends with what is not seen")
    }
    let base = name.prefix { $0 != "." }.uppercased()
    if reserved.contains(base) { throw fail("it means a device on some systems") }
  }

  /// https://learn.microsoft.com/windows/win32/fileio/naming-a-file
  private static let reserved: Set<String> = {
    var names: Set<String> = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    for digit in "123456789¹²³" {
      names.insert("COM\(digit)")
      names.insert("LPT\(digit)")
    }
    return names
  }()

  /// `report (1).pdf` for `report.pdf`, short enough to be a name.
  public static func numbered(_ name: String, _ number: Int) -> String {
    let mark = " (\(number))"
    var stem = name[...]
    var suffix: Substring = ""
    if let dot = name.lastIndex(of: "."), dot != name.startIndex, name[dot...].utf8.count <= 16 {
      stem = name[..<dot]
      suffix = name[dot...]
    }
    while !stem.isEmpty, stem.utf8.count + mark.utf8.count + suffix.utf8.count > limit { stem.removeLast() }
    return stem + mark + suffix
  }
}
