import QQClient
import QQProtocol

/// What the chat needs of the world around it.
public struct ChatServices: Sendable {
  public var now: @Sendable () -> Timestamp
  public var newID: @Sendable () -> MessageID
  /// How to connect; `within` milliseconds.
  public var link: @Sendable () throws -> LinkConfiguration
  /// The id under which a file is offered to these targets, so that the same file again goes on where it was.
  public var uploadID: @Sendable (OutgoingFile, [String], FileInfo, _ state: String) throws -> MessageID
  /// An upload is over, one way or another: nothing is left to go on with.
  public var forgetUpload: @Sendable (MessageID) -> Void
  /// The user has another nick.
  public var renamed: @Sendable (String) throws -> Void
  /// What is wrong, for people.
  public var explain: @Sendable (any Error) -> String

  public init(
    now: @escaping @Sendable () -> Timestamp, newID: @escaping @Sendable () -> MessageID,
    link: @escaping @Sendable () throws -> LinkConfiguration,
    uploadID: @escaping @Sendable (OutgoingFile, [String], FileInfo, _ state: String) throws -> MessageID,
    forgetUpload: @escaping @Sendable (MessageID) -> Void, renamed: @escaping @Sendable (String) throws -> Void,
    explain: @escaping @Sendable (any Error) -> String
  ) {
    self.now = now
    self.newID = newID
    self.link = link
    self.uploadID = uploadID
    self.forgetUpload = forgetUpload
    self.renamed = renamed
    self.explain = explain
  }
}
