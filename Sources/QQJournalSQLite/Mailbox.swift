import Glibc

/// Elements that any thread puts in and one takes out, all at once.
///
/// `@unchecked Sendable`: the mutex guards `elements` and `isWaiting`, and Swift's own `Mutex` has no condition to
/// wait for.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let filled: UnsafeMutablePointer<pthread_cond_t>
  private var elements: [Element] = []
  private var isWaiting = false

  init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    filled = .allocate(capacity: 1)
    pthread_cond_init(filled, nil)
  }

  deinit {
    pthread_cond_destroy(filled)
    filled.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func put(_ element: Element) {
    pthread_mutex_lock(mutex)
    elements.append(element)
    let wake = isWaiting
    isWaiting = false
    pthread_mutex_unlock(mutex)
    // Waking costs a system call; who works looks again by itself.
    if wake { pthread_cond_signal(filled) }
  }

  /// Everything that was put in, in its order; with `waiting`, at least one element.
  func take(waiting: Bool) -> [Element] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while waiting, elements.isEmpty {
      isWaiting = true
      pthread_cond_wait(filled, mutex)
    }
    isWaiting = false
    var taken: [Element] = []
    swap(&taken, &elements)
    return taken
  }
}

enum Thread {
  private final class Box {
    let body: () -> Void

    init(_ body: @escaping () -> Void) {
      self.body = body
    }
  }

  /// Runs `body` on a thread of its own, which ends with it. False where the system has no thread left.
  static func start(_ body: sending @escaping () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { raw in
        // Signals are for the threads that expect them; and a write beyond a size limit is an error, no death.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        guard let raw else { return nil }
        Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
