import QQProtocol

/// What owners ask of the hub itself, and rules that whoever runs it changes.
extension Hub {
  /// A backup that is being made, and who waits for it.
  struct BackingUp: Sendable {
    var session: SessionID
    var ref: Int64?
    var by: String
  }

  /// How a backup came out.
  public enum BackupOutcome: Equatable, Sendable {
    case made(HubFrame.Backup)
    /// Why it wasn't, for a person.
    case failed(String)
    /// The hub keeps nothing that could be copied.
    case impossible
  }

  /// Rules that may change: who is let in uninvited, who owns the hub and invites, how much of files is kept. Who is a
  /// user stays one.
  public mutating func reconfigure(_ new: HubConfiguration) {
    configuration.admission = new.admission
    configuration.admitted = new.admitted
    configuration.ownerKeys = new.ownerKeys
    configuration.everybodyInvites = new.everybodyInvites
    configuration.files = new.files
  }

  private static let mostKept: Int64 = 10_000

  private mutating func refusesNonOwner(_ id: SessionID, _ ref: Int64?, _ deed: String) -> Bool {
    guard !isOwner(id) else { return false }
    answer(
      id,
      .error(.init(ref: ref, .notOwner, "only an owner of this hub\(owners) \(deed) (qq serve --owner names another)")))
    return true
  }

  mutating func receiveStatus(_ ref: Int64?, from id: SessionID) {
    if refusesNonOwner(id, ref, "sees how it is doing") { return }
    deliveries.append(.report(id, ref: ref))
  }

  mutating func receiveBackup(_ ref: Int64?, keep: Int64?, from id: SessionID) {
    if refusesNonOwner(id, ref, "makes backups") { return }
    guard keep.map({ 1...Self.mostKept ~= $0 }) ?? true else {
      return answer(id, .error(.init(ref: ref, .badField, "at least one backup is kept, and \(Self.mostKept) at most")))
    }
    guard backingUp == nil else {
      return answer(id, .error(.init(ref: ref, .quota, "a backup is being made already: try again when it is done")))
    }
    backingUp = BackingUp(session: id, ref: ref, by: nick(of: id))
    sessions[id]?.outstanding += 1
    deliveries.append(.backUp(keep: keep.map { Int($0) }))
  }

  mutating func backedUp(_ outcome: BackupOutcome) {
    guard let backup = backingUp else { return }
    backingUp = nil
    switch outcome {
    case .made(var made):
      note(.backedUp(path: made.path, by: backup.by))
      made.ref = backup.ref
      answer(backup.session, .backup(made))
    case .failed(let reason):
      note(.backupFailed(reason: reason, by: backup.by))
      answer(backup.session, .error(.init(ref: backup.ref, .backupFailed, "no backup was made: \(reason)")))
    case .impossible:
      answer(
        backup.session,
        .error(
          .init(ref: backup.ref, .backupFailed, "this hub keeps nothing (--ephemeral): there is nothing to back up")))
    }
    sessions[backup.session]?.outstanding -= 1
    closeIfDone(backup.session)
  }
}
