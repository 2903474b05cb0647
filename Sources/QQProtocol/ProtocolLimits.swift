/// What the protocol allows. Both sides hold to these; a peer that doesn't is told and, where the stream can't be
/// trusted any more, closed.
public enum ProtocolLimits {
  /// The version that `hello` and `welcome` name.
  public static let version = 1
  public static let port = 6789
  public static let alpn = "qq/1"
  /// Bytes of a line, its newline not counted.
  public static let line = 256 << 10
  /// Bytes of a text in UTF-8, once unescaped.
  public static let text = 64 << 10
  /// Objects and arrays within each other.
  public static let depth = 16
  /// Members of one object.
  public static let members = 64
  public static let targets = 256
  /// Bytes of a name of any kind, valid or not: what is wrong with it is answered with it.
  public static let name = 1024
  /// Bytes of a cursor's name, and of a reader's.
  public static let cursorName = 64
  public static let historyPage = 256
  /// Nicks in one `sent`: of the longest it is half a line.
  public static let awaiting = 1000
  /// Integers that every JSON implementation keeps exactly: RFC 8259, section 6.
  public static let integers: ClosedRange<Int64> = -(1 << 53 - 1)...(1 << 53 - 1)
}
