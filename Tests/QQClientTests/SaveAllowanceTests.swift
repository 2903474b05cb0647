import Glibc
import QQTestSupport
import Testing

@testable import QQClient

@Suite("what is saved unasked") struct SaveAllowanceTests {
  private let folder: TemporaryFolder
  private let open: OpenFile

  init() throws {
    folder = try TemporaryFolder()
    open = try OpenFile.open(folder.path, O_RDONLY | O_DIRECTORY, as: .input)
  }

  @Test("it is no more than --save-limit says, in all files together, however the hub counts")
  func limit() throws {
    let allowance = SaveAllowance(limit: 1_000)
    try allowance.check(1_000, in: open, named: "a")
    #expect(throws: FileError.self) { try allowance.check(1_001, in: open, named: "a") }
    try allowance.take(600, in: open, named: "a")
    #expect(throws: FileError.self) { try allowance.check(401, in: open, named: "b") }
    // More comes than was said.
    try allowance.take(400, in: open, named: "b")
    #expect(throws: FileError.self) { try allowance.take(1, in: open, named: "b") }
    #expect(throws: FileError.self) { try allowance.check(.max, in: open, named: "c") }
  }

  @Test("a twentieth of the disk stays free, with and without a limit")
  func disk() throws {
    let allowance = SaveAllowance(limit: nil)
    try allowance.check(1, in: open, named: "a")
    #expect(throws: FileError.self) { try allowance.check(.max, in: open, named: "a") }
    #expect(throws: FileError.self) { try allowance.take(.max, in: open, named: "a") }
  }
}
