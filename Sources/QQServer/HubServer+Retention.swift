import NIOCore
import QQHub
import QQJournal
import QQProtocol
import QQSpool
import Synchronization

extension HubServer {
  /// Messages are kept for so many milliseconds, from the next round on.
  public func retain(_ age: Int64) { retained.store(age, ordering: .relaxed) }

  /// Removes what is older than `age` milliseconds, or what `retain` said since, soon and every ten minutes. Ids are remembered for 30 days at least, so that
  /// late retries are told from news.
  public func keepRetention(_ store: any Store, age: Int64) {
    retain(age)
    let month: Int64 = 30 * 86_400_000
    runner.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .minutes(10)) { [weak self, runner] _ in
      guard let age = self?.retained.load(ordering: .relaxed) else { return }
      let now = HubRunner.clock()
      store.remove(before: now - age, idsBefore: now - max(age, month)) { runner.submit(.removed(before: $0)) }
      runner.submit(.expire(before: now - age))
    }
  }

  /// Rules that may change while the hub runs: see `Hub.reconfigure`.
  public func reconfigure(_ configuration: HubConfiguration) {
    runner.reconfigure(configuration)
    runner.setReserve(configuration.journalReserve)
    runner.spool.setReserve(configuration.files.reserve)
    runner.backups?.setReserve(configuration.files.reserve)
  }
}
