import QQJournal
import QQProtocol

/// A file that the spool keeps, or the part of it that has come.
public struct KeptFile: Hashable, Sendable {
  /// Of the offer.
  public var seq: Seq
  /// nil while bytes are missing.
  public var hash: TreeHash?

  public init(seq: Seq, hash: TreeHash?) {
    self.seq = seq
    self.hash = hash
  }
}

/// What the hub asks of its disk. Requests about one file are answered in their order.
public enum SpoolRequest: Equatable, Sendable {
  /// How much room there is. `token` comes back with the answer.
  case measure(token: UInt64)
  /// What is there of a file whose upload begins or goes on, or that somebody wants.
  case open(Seq)
  case write(Seq, session: SessionID, Chunk, [UInt8])
  /// Makes what has come durable, and compares it with what the sender says it is.
  case finish(Seq, session: SessionID, ref: Int64?, size: Int64, TreeHash)
  /// The file is whole from now on: the hub's journal says so.
  case keep(Seq, TreeHash)
  /// Whether the first bytes of the file are these.
  case check(KeptFile, session: SessionID, offset: Int64, TreeHash)
  case read(KeptFile, session: SessionID, offset: Int64, size: Int)
  /// `hash`: of a content that no other file has.
  case remove(Seq, TreeHash?)
}

public enum SpoolAnswer: Equatable, Sendable {
  /// Bytes that are free on the spool's disk.
  case measured(token: UInt64, free: Int64)
  /// The first `size` bytes are there, verified; `hash` is theirs.
  case opened(Seq, size: Int64, hash: TreeHash)
  case written(Seq, session: SessionID, end: Int64)
  case finished(Seq, session: SessionID, ref: Int64?, size: Int64, TreeHash)
  case checked(Seq, session: SessionID, offset: Int64, isSame: Bool)
  case read(Seq, session: SessionID, Chunk, [UInt8])
  /// `session` asked for it; 0 where none did.
  case failed(Seq, session: SessionID, ref: Int64?, SpoolFailure)
}

public enum SpoolFailure: Error, Hashable, Sendable {
  /// What came is not what its header says, or not all of it.
  case mismatch
  case noSpace
  /// Anything else, for the log.
  case broken(String)

  /// For the log.
  public var reason: String {
    switch self {
    case .mismatch: "it isn't what its header says"
    case .noSpace: "the disk is full"
    case .broken(let reason): reason
    }
  }
}
