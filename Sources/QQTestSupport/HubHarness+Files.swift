import QQHub
import QQJournal
import QQProtocol

/// Files in tests of the hub.
extension HubHarness {
  /// The pieces of a file that a session was sent since it was asked last.
  public func takePieces(_ id: SessionID) -> [(chunk: Chunk, bytes: [UInt8])] {
    let output = channels[id]?.output ?? []
    channels[id]?.output = output.filter { !$0.frame.isPiece }
    return output.compactMap { frame, raw in
      if case .chunk(let chunk) = frame { (chunk, raw) } else { nil }
    }
  }

  /// A piece of a file, as a session sends it.
  public func put(_ id: SessionID, at offset: Int64, _ bytes: [UInt8]) {
    receive(
      .received(id, [.piece(Chunk(offset: offset, size: bytes.count, hash: Digest(of: bytes)), bytes)]))
  }

  /// Two and a half chunks that are the seed's own.
  public static func content(_ seed: UInt64 = 1, _ count: Int = Chunk.size * 5 / 2) -> [UInt8] {
    SplitMix64.bytes(count, seed: seed)
  }

  /// Of the first `length` bytes.
  public static func hash(_ bytes: [UInt8], _ length: Int? = nil) -> TreeHash {
    var hasher = TreeHasher()
    let bytes = bytes.prefix(length ?? bytes.count)
    for start in stride(from: 0, to: bytes.count, by: Chunk.size) {
      let chunk = bytes[start..<min(bytes.count, start + Chunk.size)]
      hasher.add(Digest(of: chunk), size: chunk.count)
    }
    return hasher.hash
  }

  /// The id of the file with this number.
  public static func fileID(_ number: UInt64) -> MessageID { MessageID(high: 5, low: number) }

  /// Gives what the session is answered.
  public func offer(
    _ session: SessionID, _ number: UInt64, to: String..., size: Int64? = Int64(Chunk.size * 5 / 2),
    name: String = "a.bin", receipts: Bool = false
  ) -> [HubFrame] {
    say(
      session,
      .send(
        .init(
          ref: Int64(number), id: Self.fileID(number), to: to, text: "", wantsReceipts: receipts,
          file: FileInfo(name: name, size: size, mode: 0o644))))
    return take(session)
  }

  public func upload(_ session: SessionID, _ bytes: [UInt8], from: Int = 0) {
    for start in stride(from: from, to: bytes.count, by: Chunk.size) {
      put(session, at: Int64(start), Array(bytes[start..<min(bytes.count, start + Chunk.size)]))
    }
  }

  /// Offers, uploads and ends; gives the offer's seq.
  public func sendFile(_ session: SessionID, _ number: UInt64, to: String, _ bytes: [UInt8]) -> Seq {
    _ = take(session)
    guard case .sent(let sent)? = offer(session, number, to: to, size: Int64(bytes.count)).first else { return 0 }
    say(session, .upload(ref: 100, id: Self.fileID(number)))
    upload(session, bytes)
    say(session, .finish(ref: 101, size: Int64(bytes.count), hash: Self.hash(bytes)))
    return sent.seq
  }
}

extension [HubFrame] {
  public var errorCodes: [String] { compactMap { if case .error(let failure) = $0 { failure.code } else { nil } } }

  public var endHashes: [TreeHash] { compactMap { if case .end(_, let hash) = $0 { hash } else { nil } } }
}
