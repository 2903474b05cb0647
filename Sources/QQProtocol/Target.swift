/// What a message is sent to: a nick, an address or a group.
public enum Target: Hashable, Sendable {
  case nick(Nick)
  case address(IPAddress)
  case group(GroupName)

  /// Throws why the text can be none of them.
  public init(_ text: String) throws(NickFault) {
    if text.utf8.first == UInt8(ascii: "@") {
      self = .group(try GroupName(text))
    } else if let address = IPAddress(text) {
      self = .address(address)
    } else {
      self = .nick(try Nick(text))
    }
  }

  /// Splits `alice,@ops` at its commas; empty parts are dropped.
  public static func split(_ text: String) -> [String] {
    text.split(separator: ",").map { String($0).trimmingSpaces }.filter { !$0.isEmpty }
  }
}

extension String {
  var trimmingSpaces: String {
    var view = self[...]
    while view.first == " " { view.removeFirst() }
    while view.last == " " { view.removeLast() }
    return String(view)
  }
}
