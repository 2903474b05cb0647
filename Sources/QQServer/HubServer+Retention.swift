import NIOCore
import QQHub
import QQJournal
import QQProtocol

extension HubServer {
  /// Removes what is older than `age` milliseconds, now and every ten minutes. Ids are remembered for 30 days at
  /// least, so that late retries are told from news.
  public func keepRetention(_ store: any Store, age: Int64) {
    let month: Int64 = 30 * 86_400_000
    runner.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .minutes(10)) { [runner] _ in
      let now = HubRunner.clock()
      store.remove(before: now - age, idsBefore: now - max(age, month)) { _ in }
      runner.submit(.expire(before: now - age))
    }
  }
}
