import QQHub
import Testing

@Suite struct ReserveTests {
  @Test(
    "messages leave less free than files do, and something in any case",
    arguments: [(0, 4), (4, 4), (8, 4), (10, 5), (16, 8), (1_024, 8), (1 << 40, 8)] as [(Int64, Int64)])
  func journal(reserve: Int64, kept: Int64) {
    var configuration = HubConfiguration(name: "hub", instance: 1)
    configuration.files.reserve = reserve << 20
    #expect(configuration.journalReserve == kept << 20)
  }
}
