import Logging
import NIOCore
import QQHub
import QQProtocol
import QQSpool
import QQTransport

/// What whoever runs the hub is told, and changes. Unless it says otherwise, on the hub's loop.
extension HubRunner {
  /// On any thread.
  func setLocal(_ local: LocalNetworks) {
    onLoop { self.hub.setLocal(addresses: local.addresses, interfaces: local.networks) }
  }

  /// On any thread.
  func reconfigure(_ configuration: HubConfiguration) {
    onLoop { self.hub.reconfigure(configuration) }
  }

  /// Gives the metrics as text; nil where the journal has failed. On any thread, the answer on the hub's loop.
  func report(_ answer: @escaping @Sendable (String?) -> Void) {
    onLoop {
      let text = self.metrics.text(
        self.hub.status, refusals: self.hub.refusals, memory: ProcessMemory.resident,
        started: Double(self.started.milliseconds) / 1_000, free: self.spool.free)
      answer(self.hasFailed ? nil : text)
    }
  }

  /// How the hub is doing, as a line for a session.
  func report(_ ref: Int64?) -> [UInt8] {
    let now = hub.status
    var status = HubFrame.Status()
    status.ref = ref
    status.hub = hub.configuration.name
    status.started = started
    status.admits = hub.configuration.admits
    status.backedUp = backups?.newest
    status.diskFree = spool.free
    status.sessions = Int64(now.sessions)
    status.readers = Int64(now.readers)
    status.behind = Int64(now.behind)
    status.users = Int64(now.users)
    status.openInvites = Int64(now.openInvites)
    status.uncommitted = Int64(now.uncommitted)
    status.seq = now.seq
    status.files = Int64(now.files)
    status.fileBytes = now.fileBytes
    status.connections = Int64(metrics.connections)
    status.messages = Int64(metrics.messages)
    status.offered = Int64(metrics.files)
    status.deliveries = Int64(metrics.deliveries)
    status.deliveredBytes = Int64(metrics.deliveredBytes)
    status.commits = Int64(metrics.commits.count)
    status.commitMean = metrics.commits.mean.map { Int64($0 * 1_000_000) }
    status.commitMost = metrics.commits.bound(of: 0.99).map { Int64($0 * 1_000_000) }
    status.memory = Int64(ProcessMemory.resident)
    status.refused = hub.refusals.mapValues { Int64($0) }
    var writer = JSONWriter(reserving: 1_024)
    HubFrame.status(status).encode(into: &writer)
    return writer.bytes
  }

  func backUp(_ keep: Int?) {
    guard let backups else { return submit(.backedUp(.impossible)) }
    backups.make(at: Self.clock(), keep: keep, spool: spool, loop) { [weak self] in self?.submit(.backedUp($0)) }
  }

  /// Never texts, never secrets. Somebody who is refused, or renames, again and again doesn't fill the disk.
  func log(_ note: HubNote) {
    if case .entered(let nick, let bytes, let address) = note {
      // Every command is a session: only where somebody asked for more.
      return logger.info(
        "entered",
        metadata: [
          "nick": "\(nick)", "key": "\(bytes.map(KeyText.fingerprint) ?? "none")", "address": "\(address)",
        ])
    }
    guard note.isOwners || noteBudget.take(now: Self.clock()) else {
      notesLeftOut += 1
      return
    }
    if notesLeftOut > 0 {
      logger.warning("more than this log takes", metadata: ["left_out": "\(notesLeftOut)"])
      notesLeftOut = 0
    }
    func key(_ bytes: [UInt8]?) -> Logger.MetadataValue { "\(bytes.map(KeyText.fingerprint) ?? "none")" }
    switch note {
    case .admitted(let nick, let bytes, let address, let invite):
      var data: Logger.Metadata = ["nick": "\(nick)", "key": key(bytes), "address": "\(address)"]
      if let invite { data["invite"] = "\(invite)" }
      // Guests come and go.
      logger.log(level: bytes == nil ? .info : .notice, "admitted", metadata: data)
    case .refused(let code, let nick, let bytes, let address):
      logger.notice(
        "refused", metadata: ["code": "\(code)", "nick": "\(nick ?? "")", "key": key(bytes), "address": "\(address)"])
    case .entered: break
    case .denied(let nick, let address):
      logger.notice("not an owner", metadata: ["nick": "\(nick)", "address": "\(address)"])
    case .renamed(let old, let new): logger.notice("renamed", metadata: ["from": "\(old)", "to": "\(new)"])
    case .invited(let id, let by): logger.notice("invited", metadata: ["invite": "\(id)", "by": "\(by)"])
    case .revoked(let id, let by): logger.notice("revoked", metadata: ["invite": "\(id)", "by": "\(by)"])
    case .removed(let nick, let by): logger.notice("removed", metadata: ["nick": "\(nick)", "by": "\(by)"])
    case .restored(let nick, let by): logger.notice("restored", metadata: ["nick": "\(nick)", "by": "\(by)"])
    case .journalFull:
      logger.critical(
        "the disk has no room: what users say is refused, and taken again once there is room",
        metadata: ["free": "\(spool.free.map(String.init) ?? "")"])
    case .journalHasRoom: logger.notice("the disk has room again")
    case .backedUp(let path, let by): logger.notice("backed up", metadata: ["path": "\(path)", "by": "\(by)"])
    case .backupFailed(let reason, let by):
      logger.error("no backup was made", metadata: ["reason": "\(reason)", "by": "\(by)"])
    }
  }
}
