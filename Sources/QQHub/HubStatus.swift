import QQJournal

/// How a hub is doing, counted when it is asked.
public struct HubStatus: Equatable, Sendable {
  public var sessions = 0
  /// Sessions that listen, and of these the ones that don't have everything yet.
  public var readers = 0
  public var behind = 0
  public var users = 0
  /// Records that were handed to the journal and haven't come back.
  public var uncommitted = 0
  /// The newest seq.
  public var seq: Int64 = 0
  /// Files that are kept whole, and their bytes.
  public var files = 0
  public var fileBytes: Int64 = 0
  public var openInvites = 0
  /// The disk has no room for messages.
  public var isFull = false

  public init() {}
}

extension Hub {
  public var status: HubStatus {
    var status = HubStatus()
    status.sessions = sessions.count
    for session in sessions.values {
      guard let reading = session.reading else { continue }
      status.readers += 1
      if reading.position != .live { status.behind += 1 }
    }
    status.users = directory.users.values.count { !$0.isGuest && !$0.isRemoved }
    status.uncommitted = uncommitted
    status.seq = applied
    status.isFull = isFull
    for file in files.all.values {
      guard let content = file.row.content else { continue }
      status.files += 1
      status.fileBytes += content.size
    }
    status.openInvites = directory.invites.all.count { $0.isOpen(at: now) }
    return status
  }
}
