import QQJournal
import QQProtocol
import Testing

@testable import QQJournalSQLite

@Suite("the room on a disk") struct DiskRoomTests {
  private let room = DiskRoom(reserve: 4 << 20)

  private func record(_ body: Record.Body) -> Record {
    Record(time: Timestamp(milliseconds: 0), origin: Origin(hub: 1, session: 1, ref: 1), body: body)
  }

  private func admit(isOwner: Bool) -> Record {
    record(
      .admit(AdmitBody(key: [1], nick: "a", isExplicit: true, address: IPAddress(v4: 1), host: "", isOwner: isOwner)))
  }

  @Test("what users say leaves the reserve alone, what makes room or keeps somebody out does not")
  func reserve() {
    let (join, discard) = (record(.join(UserID(1), group: "g")), record(.discard([1])))
    #expect(room.sort([join, discard], free: 1 << 30).taken == [join, discard])
    #expect(room.sort([join, discard], free: 4 << 20).refused == [join])
    #expect(room.sort([join, discard], free: 4 << 20).taken == [discard])
    // An owner may come for the first time to make room.
    let (owner, user) = (admit(isOwner: true), admit(isOwner: false))
    #expect(room.sort([user, owner], free: 4 << 20).taken == [owner])
    #expect(room.sort([join, discard], free: 1 << 20).refused == [join, discard])
    #expect(room.sort([join, discard], free: 0).taken == [])
    #expect(room.sort([join, discard], free: -1).taken == [])
  }

  @Test("behind a record that has no room none of the same kind is taken, however small")
  func order() {
    let text = String(repeating: "x", count: 60_000)
    func message(_ text: String) -> Record {
      record(
        .message(
          MessageBody(
            sender: UserID(1), from: "alice", address: IPAddress(v4: 1), id: MessageID(high: 1, low: 1),
            targets: [.group("all")], text: text)))
    }
    let (large, small, owners) = (message(text), message("x"), record(.remove(UserID(2))))
    let sorted = room.sort([small, large, small, owners], free: 4 << 20 + 10_000)
    #expect(sorted.taken == [small, owners])
    #expect(sorted.refused == [large, small])
  }
}
