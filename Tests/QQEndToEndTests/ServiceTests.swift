import Glibc
import QQTestSupport
import Testing

@Suite("a hub that systemd runs") struct ServiceTests {
  /// Hears what is told to NOTIFY_SOCKET: a line for each datagram, its lines joined by "; ".
  private static let listener = """
    use IO::Socket::UNIX; use Socket; $| = 1;
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
    print "listening\n";
    while (defined $socket->recv(my $told, 4096)) { $told =~ s/\n/; /g; print "$told\n" }
    """

  @Test("it says when it is ready, that it is well, that it reloads, and that it stops")
  func notified() async throws {
    try await Scene.run { scene in
      let socket = scene.folder.path + "/notify"
      let manager = try scene.start(program: "/usr/bin/perl", ["-e", Self.listener, socket])
      #expect(try await manager.line().text == "listening")
      let hub = try scene.start(
        ["serve", "--listen", "127.0.0.1:0", "--data", scene.folder.path + "/hub"],
        environment: ["NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "200000"])
      #expect(try await manager.line().text == "READY=1; STATUS=1 listening")
      for _ in 0..<3 { #expect(try await manager.line().text == "WATCHDOG=1") }
      hub.signal(SIGHUP)
      func next() async throws -> String {
        while true {
          let told = try await manager.line().text
          if told != "WATCHDOG=1" { return told }
        }
      }
      #expect(try await next().hasPrefix("RELOADING=1; MONOTONIC_USEC="))
      #expect(try await next() == "READY=1; STATUS=1 listening")
      // Stopped it isn't well, and says nothing.
      hub.signal(SIGSTOP)
      hub.signal(SIGCONT)
      hub.signal(SIGTERM)
      #expect(try await next() == "STOPPING=1")
      #expect(try await hub.end() == 0)
    }
  }

  @Test("it takes a socket that was opened for it, and nobody else's")
  func activated() async throws {
    try await Scene.run { scene in
      let opener = """
        $^F = 9;
        use IO::Socket::INET; use POSIX;
        my $socket = IO::Socket::INET->new(Listen => 10, LocalAddr => '127.0.0.1') or die;
        my $port = $socket->sockport; POSIX::dup2(fileno($socket), 3);
        $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$ + $ARGV[0]; shift @ARGV;
        print STDERR "port $port\n"; exec @ARGV;
        """
      let serve = [Scene.binary, "serve", "--listen", "127.0.0.1:0", "--data", scene.folder.path + "/hub"]
      let hub = try scene.start(program: "/usr/bin/perl", ["-e", opener, "0"] + serve)
      let address = try await hub.line()["address"] ?? ""
      #expect(hub.standardError.contains("port \(address.split(separator: ":").last ?? "-")\n"))
      #expect(try await scene.run("who", "--hub", address, nick: "alice").status == 0)
      hub.signal(SIGTERM)
      #expect(try await hub.end() == 0)
      let other = try scene.start(program: "/usr/bin/perl", ["-e", opener, "1"] + serve)
      let own = try await other.line()["address"] ?? ""
      #expect(!other.standardError.contains("port \(own.split(separator: ":").last ?? "-")\n"))
    }
  }

  @Test("SIGHUP reads the certificate anew: new connections see it, old ones go on, and a bad one changes nothing")
  func reloaded() async throws {
    try await Scene.run { scene in
      func certificate() async throws {
        let openssl = try scene.start(
          program: "/usr/bin/openssl",
          [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj",
            "/CN=hub", "-keyout", scene.folder.path + "/key.pem", "-out", scene.folder.path + "/cert.pem",
          ])
        #expect(try await openssl.end() == 0)
      }
      try await certificate()
      let hub = try await scene.serve(
        "--tls-cert", scene.folder.path + "/cert.pem", "--tls-key", scene.folder.path + "/key.pem")
      let bob = try await scene.listen("bob")
      try await certificate()
      hub.process.signal(SIGHUP)
      try await hub.process.complaint("read the certificate anew")
      let changed = try await scene.run("send", "bob", "hi", nick: "alice")
      #expect(changed.status == 77)
      #expect(changed.standardError.contains("has changed"))
      #expect(try await scene.run("send", "bob", "hi", nick: "carol", state: "other").status == 0)
      #expect(try await bob.line()["text"] == "hi")
      try scene.folder.write("nonsense", to: "cert.pem")
      hub.process.signal(SIGHUP)
      try await hub.process.complaint("the certificate stays as it was")
      #expect(try await scene.run("send", "bob", "still there", nick: "carol", state: "other").status == 0)
    }
  }
}
