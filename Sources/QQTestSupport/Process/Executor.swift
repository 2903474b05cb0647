import Glibc
import Synchronization

/// Runs tasks on a thread of its own. Tests that compute for seconds keep the threads that tasks otherwise share busy;
/// programs that wait for this test meanwhile would run into their time limits.
///
/// `@unchecked Sendable`: the condition variable and `jobs` are used under the mutex alone.
public final class OwnExecutor: TaskExecutor, @unchecked Sendable {
  public static let shared = OwnExecutor()

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [UnownedJob] = []

  /// Its thread runs as long as the process.
  private init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    OwnThread.detach { [self] in
      while true {
        for job in take() { job.runSynchronously(on: asUnownedTaskExecutor()) }
      }
    }
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    pthread_mutex_lock(mutex)
    jobs.append(job)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  private func take() -> [UnownedJob] {
    pthread_mutex_lock(mutex)
    while jobs.isEmpty { pthread_cond_wait(condition, mutex) }
    defer {
      jobs = []
      pthread_mutex_unlock(mutex)
    }
    return jobs
  }
}
