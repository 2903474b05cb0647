import QQJournal
import QQProtocol

/// What a session does with a file.
enum Transfer: Equatable, Sendable {
  case uploading(Upload)
  case getting(Getting)

  struct Upload: Equatable, Sendable {
    var file: Seq
    /// Until the spool has said what is there: the request's number.
    var ref: Int64?
    var isOpening = true
    /// All has come: what is there is being made durable.
    var isFinishing = false
    /// Bytes that were handed to the spool.
    var received: Int64 = 0
  }

  struct Getting: Equatable, Sendable {
    var file: Seq
    var ref: Int64?
    /// The hash of what is there is being compared, or looked at at all.
    var isOpening = true
    var next: Int64
    var hash: TreeHash?
    var isReading = false
    /// The channel takes more.
    var isWritable = true
    var isDone = false
    /// When its progress was last told.
    var told = Timestamp(milliseconds: 0)
  }
}
