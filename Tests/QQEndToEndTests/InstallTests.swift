import Glibc
import QQTestSupport
import Testing

@Suite("installing") struct InstallTests {
  private static let sources = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  private func run(_ scene: Scene, _ program: String, _ arguments: [String]) async throws -> (Int32, [String], String) {
    let child = try scene.start(program: program, arguments)
    return (try await child.end(), child.rest.map(\.text), child.standardError)
  }

  @Test("everything goes where the FHS says, works from there, and uninstalling leaves nothing")
  func installed() async throws {
    try await Scene.run { scene in
      let root = scene.folder.path + "/root"
      let places = ["/usr/bin", "/usr/share", "/usr/lib/systemd", "/etc"]
      let install = try await run(scene, "\(Self.sources)/Scripts/install", [Scene.binary, root] + places)
      #expect(install.0 == 0, "\(install.2)")
      let files = Set(try await run(scene, "/usr/bin/find", [root, "-type", "f", "-printf", "%P\n"]).1)
      #expect(
        files.isSuperset(of: [
          "usr/bin/qq", "usr/share/man/man1/qq.1.gz", "usr/share/man/man5/qq-config.5.gz",
          "usr/share/man/man7/qq-security.7.gz", "usr/share/bash-completion/completions/qq",
          "usr/share/zsh/site-functions/_qq", "usr/share/fish/vendor_completions.d/qq.fish",
          "usr/lib/systemd/system/qq-hub.service", "usr/lib/systemd/user/qq-listen.service",
          "usr/share/qq/qq-events.schema.json", "usr/share/doc/qq/README.md",
        ]))
      let version = try await run(scene, root + "/usr/bin/qq", ["--version"])
      #expect(version.0 == 0)
      let unit = try scene.folder.read("root/usr/lib/systemd/system/qq-hub.service")
      #expect(unit.contains("ExecStart=/usr/bin/qq serve"))
      #expect(unit.contains("EnvironmentFile=-/etc/default/qq-hub"))
      #expect(!unit.contains("@B"))
      let make = try await run(
        scene, "/usr/bin/make", ["-s", "-C", Self.sources, "uninstall", "DESTDIR=\(root)", "PREFIX=/usr"])
      #expect(make.0 == 0, "\(make.2)")
      #expect(try await run(scene, "/usr/bin/find", [root, "-type", "f"]).1 == [])
    }
  }

  @Test(
    "systemd finds little to say against the hub's unit",
    .enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0, "there is no systemd-analyze"))
  func hardened() async throws {
    try await Scene.run { scene in
      let unit = try TemporaryFolder.contents("\(Self.sources)/systemd/qq-hub.service.in")
        .replacing("@BINDIR@", with: "/usr/bin").replacing("@SYSCONFDIR@", with: "/etc")
      try scene.folder.write(unit, to: "qq-hub.service")
      let analysis = try await run(
        scene, "/usr/bin/systemd-analyze",
        ["security", "--offline=true", "--no-pager", "--threshold=20", scene.folder.path + "/qq-hub.service"])
      // 20 is 2.0: above it the status isn't 0.
      #expect(analysis.0 == 0, "\(analysis.1.last ?? "")")
      #expect(!analysis.2.contains("ignoring"), "\(analysis.2)")
    }
  }
}
