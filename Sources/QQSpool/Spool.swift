import DequeModule
import NIOPosix
import QQHub
import QQProtocol
import Synchronization

/// Files on the hub's disk. `uploads/SEQ.part` is what has come of a file, `SEQ.sums` the SHA-256 of each of its chunks;
/// the verified whole is `blobs/HASH`, once for all files with this content, beside `HASH.sums`.
///
/// Requests about one file run one after the other, but for reading, those about several at once on a few threads of the
/// spool's own: a sync that takes seconds holds up nobody else's file, and never the hub.
public final class Spool: Sendable {
  /// What runs one after the other: all about one upload; what gives and takes contents that several files may share;
  /// and reading what is verified, which waits for nothing that is written behind it.
  private enum Lane: Hashable {
    case upload(Int64)
    case contents
    case reading(Int64)
  }

  private enum Job: Sendable {
    case request(SpoolRequest)
    case work(@Sendable () -> Void)
  }

  /// Who is answered. A closure that stands in a generic box by itself is wrapped once more by every access: the chain
  /// of wrappers grows until a stack overflows.
  private struct Sink: Sendable {
    let answer: @Sendable (SpoolAnswer) -> Void
  }

  private struct State {
    var queues: [Lane: Deque<Job>] = [:]
    var running: Set<Lane> = []
    /// Removals that wait until nobody copies; nil while nobody does.
    var held: [SpoolRequest]?
    /// Who waits for the last lane to end.
    var stopping: CheckedContinuation<Void, Never>?

    /// Whether the lane has to be begun with.
    mutating func put(_ job: Job, _ lane: Lane) -> Bool {
      queues[lane, default: []].append(job)
      return running.insert(lane).inserted
    }

    /// Gives who waits for this one, if nothing else runs.
    mutating func end(_ lane: Lane) -> CheckedContinuation<Void, Never>? {
      queues[lane] = nil
      running.remove(lane)
      guard running.isEmpty else { return nil }
      defer { stopping = nil }
      return stopping
    }

    /// Whether the request is a removal that waits. Content that is wanted again meanwhile isn't removed later.
    mutating func hold(_ request: SpoolRequest) -> Bool {
      guard let waiting = held else { return false }
      switch request {
      case .remove:
        held?.append(request)
        return true
      case .keep(_, let hash):
        held = waiting.map { removal in
          if case .remove(let seq, hash) = removal { .remove(seq, nil) } else { removal }
        }
        return false
      default: return false
      }
    }
  }

  /// What stays free on the disk whatever was said: the journal needs room.
  public static let leastReserve: Int64 = 8 << 20

  private let disk: SpoolDisk
  private let pool: NIOThreadPool
  private let state = Mutex(State())
  private let sink = Mutex<Sink?>(nil)
  private let log: @Sendable (String) -> Void

  /// Makes the folders. `reserve`: bytes that are to stay free on the disk, where the journal has to go on too. `log` is
  /// told what a client is told only in general.
  public init(
    _ directory: String, reserve: Int64 = 0, log: @escaping @Sendable (String) -> Void
  ) throws(SpoolError) {
    disk = try SpoolDisk(directory, reserve: reserve)
    pool = NIOThreadPool(numberOfThreads: 3)
    self.log = log
  }

  /// Removes what the hub doesn't keep, ends what a crash has left half done, and begins to answer. `sink` is called on
  /// threads of the spool.
  public func start(_ kept: [KeptFile], _ sink: @escaping @Sendable (SpoolAnswer) -> Void) {
    for problem in disk.tidy(kept) { log(problem) }
    self.sink.withLock { $0 = Sink(answer: sink) }
    pool.start()
  }

  /// Every request that was made is performed, and answered; none may follow. Removals that are held back are left to the
  /// next start.
  public func stop() async {
    await withCheckedContinuation { waiter in
      let isIdle = state.withLock { state in
        if !state.running.isEmpty { state.stopping = waiter }
        return state.running.isEmpty
      }
      if isIdle { waiter.resume() }
    }
    try? await pool.shutdownGracefully()
  }

  /// On any thread; requests about one file keep their order.
  public func request(_ request: SpoolRequest) {
    let isHeld = state.withLock { $0.hold(request) }
    if !isHeld { put(.request(request), Self.lane(of: request)) }
  }

  private static func lane(of request: SpoolRequest) -> Lane {
    switch request {
    case .keep, .remove(_, .some): .contents
    // Behind what is still to be written of it, or that would make it anew.
    case .remove(let seq, nil): .upload(seq)
    case .read(let file, _, _, _), .check(let file, _, _, _): .reading(file.seq)
    case .measure, .open, .write, .finish: .upload(request.seq)
    }
  }

  private func put(_ job: Job, _ lane: Lane) {
    let isFirst = state.withLock { $0.put(job, lane) }
    if isFirst { run(lane) }
  }

  // MARK: Copying

  /// From now on nothing is removed: what a journal that is copied meanwhile knows of stays until it is copied, too.
  public func holdRemovals() {
    state.withLock { if $0.held == nil { $0.held = [] } }
  }

  /// Removes what should have been.
  public func releaseRemovals() {
    // At once, so that what is to be kept from now on comes behind them.
    let lanes = state.withLock { state in
      let held = state.held ?? []
      state.held = nil
      return held.map(Self.lane).enumerated().filter { state.put(.request(held[$0.offset]), $0.element) }.map(\.element)
    }
    for lane in lanes { run(lane) }
  }

  /// Bytes free on its disk; nil where that can't be said.
  public var free: Int64? { try? disk.free() }

  public func setReserve(_ bytes: Int64) { disk.setReserve(bytes) }

  /// Copies every verified whole, those included that were asked to be kept before, into `folder`, which isn't there yet:
  /// by hard links where that can be, since nobody ever writes into one. On a thread of the spool's: how many files, and
  /// their bytes.
  public func copyContents(
    to folder: String, _ answer: @escaping @Sendable (Result<(files: Int, bytes: Int64), SpoolError>) -> Void
  ) {
    put(.work { [disk] in answer(Result { () throws(SpoolError) in try disk.copyContents(to: folder) }) }, .contents)
  }

  // MARK: Working

  private func run(_ lane: Lane) {
    pool.submit { [self] work in
      // Before the start and after the end nothing is done: tidying makes good what a replay asks for.
      guard case .active = work else {
        state.withLock { $0.end(lane) }?.resume()
        return
      }
      // One request a turn, so that others' files get theirs.
      let next = state.withLock { $0.queues[lane]?.popFirst() }
      switch next {
      case .request(let request): perform(request)
      case .work(let work): work()
      case nil: break
      }
      let (hasMore, waiter) = state.withLock { state in
        state.queues[lane]?.isEmpty == false ? (true, nil) : (false, state.end(lane))
      }
      if hasMore { run(lane) }
      waiter?.resume()
    }
  }

  private func perform(_ request: SpoolRequest) {
    let sink = sink.withLock(\.self)
    do throws(SpoolFailure) {
      if let answer = try disk.perform(request) { sink?.answer(answer) }
    } catch {
      if case .broken(let reason) = error { log("file \(request.seq): \(reason)") }
      let (session, ref) = request.asker
      sink?.answer(.failed(request.seq, session: session, ref: ref, error))
    }
  }
}

/// The spool, or a copy of it, can't be used at all.
public struct SpoolError: Error, Sendable {
  public var message: String

  public init(message: String) {
    self.message = message
  }
}

extension SpoolRequest {
  /// The file it is about; 0 for none.
  var seq: Int64 {
    switch self {
    case .measure: 0
    case .open(let seq), .write(let seq, _, _, _), .finish(let seq, _, _, _, _), .keep(let seq, _), .remove(let seq, _):
      seq
    case .check(let file, _, _, _), .read(let file, _, _, _): file.seq
    }
  }

  var asker: (session: SessionID, ref: Int64?) {
    switch self {
    case .measure, .open, .keep, .remove: (0, nil)
    case .write(_, let session, _, _), .check(_, let session, _, _), .read(_, let session, _, _): (session, nil)
    case .finish(_, let session, let ref, _, _): (session, ref)
    }
  }
}
