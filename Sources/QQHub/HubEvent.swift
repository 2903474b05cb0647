import QQJournal
import QQProtocol

/// What happens to a hub.
public enum HubEvent: Sendable {
  case opened(SessionID, Peer)
  /// What a session said. Another batch may follow before this one is `consumed`.
  case received(SessionID, [SessionInput])
  /// Sessions that wait for a turn get one: see `Hub.hasWork`.
  case turn
  /// The peer will say nothing more: answer what it said, then close.
  case finished(SessionID)
  case closed(SessionID)
  /// Somebody was sent away before there was a session: for the log and the metrics.
  case turnedAway(ErrorCode, IPAddress)
  /// The channel could not take a live write; the session has everything up to `after`.
  case stalled(SessionID, after: Seq)
  /// The channel takes more after a stall, a catch-up write, or when asked by `confirm`.
  case writable(SessionID)
  case committed(CommittedBatch)
  /// The disk had no room for what was appended.
  case refused([Record])
  case page(ReadToken, Page)
  case located(ReadToken, Seq)
  case spooled(SpoolAnswer)
  /// The backup that was asked for.
  case backedUp(Hub.BackupOutcome)
  /// Files that were offered before this time are kept no longer.
  case expire(before: Timestamp)
  /// Messages before this seq are kept no longer.
  case removed(before: Seq)
  /// The time that `Hub.deadline` was has come, whatever the clock says that was put back meanwhile.
  case tick(Timestamp)
}

/// Which question a store's answer belongs to.
public struct ReadToken: Hashable, Sendable {
  public var number: UInt64
}

/// What a hub wants done, in this order.
public enum Effect: Equatable, Sendable {
  /// To the journal.
  case append([Record])
  /// To the store.
  case project(Projection)
  case page(PageQuery, ReadToken)
  case locate(Timestamp, ReadToken)
  /// Lines for one session: answers and notices.
  case reply(SessionID, [UInt8])
  /// Somebody is welcome: the connection isn't a stranger's any more.
  case welcomed(SessionID)
  /// So many batches of what the session said are done with: it may be read further.
  case consumed(SessionID, batches: Int)
  /// Say by `writable` when the session's channel has taken what was written so far, or nearly.
  case confirm(SessionID)
  /// Lines that will be written, by number, until they are forgotten.
  case publish(segment: UInt64, [UInt8])
  case write(Write)
  /// Lines for one session that catches up; otherwise as a `Write`.
  case catchUp(SessionID, [UInt8])
  /// To the disk.
  case spool(SpoolRequest)
  /// A line and the raw bytes that follow it. After it the session asks for more by `.writable`.
  case bulk(SessionID, [UInt8], raw: [UInt8])
  /// A piece that the session sent is off its hands: it may send another.
  case taken(SessionID)
  /// Published segments up to this number won't be written again.
  case forget(through: UInt64)
  /// For whoever runs the hub.
  case log(HubNote)
  /// Answer how the hub is doing.
  case report(SessionID, ref: Int64?)
  /// Make a backup and keep the newest so many; nil all.
  case backUp(keep: Int?)
  /// Write what was given so far, then close.
  case close(SessionID)
}
