import Crypto
import Glibc
import QQClient
import QQIdentity
import QQProtocol
import Synchronization

/// Remembers the ids of uploads that aren't through, so that the same command again goes on with the same file: one
/// small file each below the state directory, removed once the hub has it whole. Losing one costs an upload from the
/// beginning, nothing else.
final class UploadMemory: Sendable {
  private let directory: String
  private let scope: String
  private let level: WaitLevel
  private let known = Mutex<[MessageID: String]>([:])

  /// `level`: what the command waits for. Until then the same command is a retry.
  init(_ context: CommandContext, targets: [String], until level: WaitLevel) {
    self.level = level
    directory = context.stateDirectory + "/uploads"
    scope = [context.endpoint.description, context.nick, targets.joined(separator: ",")].joined(separator: "\u{0}")
  }

  /// The id under which this file was begun, or a new one. `state`: what the file is known by.
  func id(of file: OutgoingFile, _ info: FileInfo, state: String, note: (String) -> Void) throws -> MessageID {
    let fresh = MessageSource.freshID()
    guard !file.isPipe, let real = realpath(file.path, nil) else { return fresh }
    defer { free(real) }
    let key = "\(scope)\u{0}\(String(cString: real))\u{0}\(info.name)"
    let path = "\(directory)/\(Digest(of: Array(key.utf8)))"
    if let text = try? PrivateFile.read(path, limit: 4096) {
      let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
      if lines.count == 2, let id = MessageID(lines[0]) {
        if lines[1] == state {
          known.withLock { $0[id] = path }
          return id
        }
        note("\"\(TextSafety.visible(info.name))\" has changed since it was begun to be sent: sending it anew")
      }
    }
    try PrivateFile.makeDirectory(directory)
    try PrivateFile.write(Array("\(fresh)\n\(state)\n".utf8), to: path, replacing: true)
    known.withLock { $0[fresh] = path }
    return fresh
  }

  /// The hub has it.
  func stored(_ id: MessageID) {
    if level == .stored { forget(id) }
  }

  /// All that was waited for has come.
  func forgetAll() {
    for id in known.withLock({ Array($0.keys) }) { forget(id) }
  }

  /// Nothing is left to go on with.
  func forget(_ id: MessageID) {
    if let path = known.withLock({ $0.removeValue(forKey: id) }) { unlink(path) }
  }
}

/// The same for uploads to several audiences, which are known once the hub has them.
final class UploadMemories: Sendable {
  private let context: CommandContext
  private let memories = Mutex<[[String]: UploadMemory]>([:])

  init(_ context: CommandContext) {
    self.context = context
  }

  func id(of file: OutgoingFile, to targets: [String], _ info: FileInfo, state: String) throws -> MessageID {
    let memory = memories.withLock { memories in
      let memory = memories[targets] ?? UploadMemory(context, targets: targets, until: .stored)
      memories[targets] = memory
      return memory
    }
    return try memory.id(of: file, info, state: state) { _ in }
  }

  func forget(_ id: MessageID) {
    for memory in memories.withLock({ Array($0.values) }) { memory.forget(id) }
  }
}
