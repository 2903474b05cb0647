import QQHub
import QQIdentity
import QQProtocol

/// What the file that `qq serve --config` names says: rules that may change while the hub runs, one strict JSON object.
/// A field that isn't known is an error, unlike in `config.json`: a rule that was mistyped would let strangers in.
struct HubFile: Equatable, Sendable {
  var admission: Admission?
  var admit: [CIDR]?
  var owners: [Fingerprint]?
  var membersInvite: Bool?
  /// In milliseconds.
  var retain: Int64?
  /// In bytes.
  var maxFile: Int64?
  var quota: Int64?
  var spool: Int64?
  var reserve: Int64?

  private static let admissions: [String: Admission] = [
    "lan": .localNetworks, "open": .everybody, "invite-only": .nobody,
  ]
  private static let fields = [
    "admission", "admit", "owners", "members_invite", "retain", "max_file", "quota", "spool", "reserve",
  ]

  init() {}

  /// Throws a `CommandFailure` with status 78, which names the field.
  init(_ bytes: [UInt8], path: String) throws {
    try self.init(SettingsFile(bytes, path: path))
  }

  private init(_ file: SettingsFile) throws {
    try file.allow(Self.fields)
    admission = try file.value("admission", "\"lan\", \"open\" or \"invite-only\"") { Self.admissions[$0] }
    admit = try file.values("admit", "an array of networks such as \"10.0.0.0/8\"") { CIDR($0) }
    owners = try file.values("owners", "an array of keys as \"qq whoami\" prints them") { Fingerprint($0) }
    membersInvite = try file.flag("members_invite")
    retain = try file.value("retain", "an age with its unit such as \"30d\"") { AgeOption.milliseconds($0) }
    let size = "a size such as \"500MB\" or \"2GiB\""
    maxFile = try file.value("max_file", size) { ByteCount.parse($0) }
    quota = try file.value("quota", size) { ByteCount.parse($0) }
    spool = try file.value("spool", size) { ByteCount.parse($0) }
    reserve = try file.value("reserve", size) { ByteCount.parse($0) }
  }

  /// Unlike other files of settings it has been named: that it isn't there is an error.
  static func load(_ path: String?) throws -> HubFile {
    guard let path else { return HubFile() }
    guard let file = try SettingsFile.load(path) else {
      throw CommandFailure(.config, "\(path) (--config) isn't there")
    }
    return try HubFile(file)
  }
}
