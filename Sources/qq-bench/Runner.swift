import Glibc

/// Takes measurements, each against servers of its own that are gone afterwards.
struct Runner {
  var programs: Programs
  var pace: Pace
  let graveyard = Graveyard()
  /// Windows that were found by `tune`, by the measurement's name.
  var windows: [String: Int] = [:]

  /// The figures of one measurement: a name each, and its value. Prints them too, with all that belongs to them.
  func take(_ measurement: Measurement, round: Int) throws -> [(name: String, value: Double)] {
    let head: [(String, JSONLine.Value)] = [
      ("type", "figure"), ("name", .string(measurement.name)), ("round", .int(round)),
    ]
    switch measurement.kind {
    case .fanout(let server, let listeners, let size):
      var settings = FloodSettings(listeners: listeners, size: size)
      settings.window = windows[measurement.name] ?? Windows.fanout(server, listeners: listeners, size: size)
      let result = try flood(server, settings)
      emit(head + describe(server) + describe(settings) + result.fields)
      guard result.lost == 0 else { throw BenchError("\(result.lost) deliveries were lost") }
      return [(measurement.name, result.deliveriesPerSecond), (measurement.name + "_bytes", result.bytesPerSecond)]
    case .publish(let server):
      var settings = FloodSettings(senders: 16, listeners: 0, acknowledged: true)
      settings.window = windows[measurement.name] ?? Windows.publish(server)
      let result = try flood(server, settings)
      emit(head + describe(server) + describe(settings) + result.fields)
      return [(measurement.name, result.acknowledgedPerSecond)]
    case .latency(let server):
      let result = try with(server) { running in
        var settings = LatencySettings(seconds: pace.latencySeconds)
        settings.server = running.pid
        return try Latency(try running.peer(), settings).run()
      }
      emit(head + describe(server) + result.fields)
      return [
        (measurement.name + "_p50", result.milliseconds(0.5)), (measurement.name + "_p99", result.milliseconds(0.99)),
      ]
    case .memory(let server):
      let result = try with(server) { try measureMemory(of: $0.pid, try $0.peer(), listeners: 1000) }
      emit(head + describe(server) + result.fields)
      return [(measurement.name, result.kibPerListener)]
    case .tlsStream:
      let rate = try measureTLSStream(programs, warmup: pace.warmup, seconds: pace.seconds)
      emit(head + [("bytes_per_second", .number(rate))])
      return [(measurement.name, rate)]
    case .commands:
      let results = try commands()
      for result in results { emit(head + result.fields) }
      return results.map { ("command_" + $0.name, median($0.samples) ?? 0) }
    case .chat:
      let result = try with(.init(kind: .qq, usesTLS: true)) { server in
        try ChatTime(programs: programs, starts: pace.commandRuns).measure(
          "127.0.0.1:\(server.endpoint.port)", commandEnvironment(server))
      }
      emit(head + result.fields)
      return [("chat_start", median(result.starts) ?? 0), ("chat_echo", result.echoes.last ?? 0)]
    case .files(let carrier, let usesTLS, let isMany):
      let load = isMany ? FileLoad.many : .one(pace.fileBytes)
      let seconds = try FileTransfers(programs: programs, load: load, graveyard: graveyard).measure(
        carrier, usesTLS: usesTLS)
      let rate = Double(load.total) / seconds / 1e6
      emit(
        head + [
          ("carrier", .string(carrier.rawValue)), ("tls", .bool(usesTLS)), ("files", .int(load.files)),
          ("bytes", .int(load.total)), ("seconds", .number(seconds)), ("megabytes_per_second", .number(rate)),
        ])
      return [(measurement.name, isMany ? seconds : rate)]
    case .latencyBesideFile:
      let beside = LatencyBesideFile(programs: programs, bytes: 64 << 30, seconds: pace.latencySeconds)
      let result = try beside.measure()
      emit(head + result.fields)
      return [(measurement.name + "_p99", result.milliseconds(0.99))]
    case .syncTrace:
      let result = try traceSyncs(programs)
      emit(head + result.fields)
      return [("strace_acknowledged", Double(result.acknowledged)), ("strace_early", Double(result.early))]
    }
  }

  /// The window of the sweep that a server moves most with, over short runs.
  func tune(_ measurement: Measurement) throws -> Int? {
    var settings = FloodSettings()
    let server: ServerSettings
    switch measurement.kind {
    case .fanout(let kind, let listeners, let size):
      (server, settings.listeners, settings.size) = (kind, listeners, size)
    case .publish(let kind):
      (server, settings.senders, settings.listeners, settings.acknowledged) = (kind, 16, 0, true)
    case .latency, .memory, .tlsStream, .commands, .chat, .syncTrace, .files, .latencyBesideFile:
      return nil
    }
    var best: (window: Int, rate: Double)?
    for window in Windows.sweep {
      settings.window = window
      // A window that a server can't bear isn't the one to take.
      guard let result = try? flood(server, settings, pace: .quick), result.lost == 0 else { continue }
      let rate = settings.listeners > 0 ? result.deliveriesPerSecond : result.acknowledgedPerSecond
      emit(
        [
          ("type", "sweep"), ("name", .string(measurement.name)), ("window", .int(window)),
          ("per_second", .number(rate)),
        ])
      if rate > best?.rate ?? 0 { best = (window, rate) }
    }
    return best?.window
  }

  // MARK: Parts

  private func flood(_ server: ServerSettings, _ settings: FloodSettings, pace: Pace? = nil) throws -> FloodResult {
    var settings = settings
    (settings.warmup, settings.seconds) = ((pace ?? self.pace).warmup, (pace ?? self.pace).seconds)
    return try with(server) { running in
      settings.server = running.pid
      return try Flood(try running.peer(), settings).run()
    }
  }

  private func with<Result>(_ settings: ServerSettings, _ body: (Server) throws -> Result) throws -> Result {
    let server = try Server.start(settings, programs)
    defer { server.stop() }
    return try body(server)
  }

  /// `qq send` and `mosquitto_pub` in turn, with TLS and without, against hubs that keep nothing.
  private func commands() throws -> [CommandResult] {
    try with(.init(kind: .qq, usesTLS: true)) { qqTLS in
      try with(.init(kind: .qq)) { qq in
        try with(.init(kind: .mqtt, usesTLS: true)) { mqttTLS in
          try with(.init(kind: .mqtt)) { mqtt in
            let certificate = "\(mqttTLS.folder.path)/cert.pem"
            return try timeCommands(
              [
                TimedCommand(
                  name: "qq_tls",
                  arguments: [programs.qq, "send", "--hub", "127.0.0.1:\(qqTLS.endpoint.port)", "@all", "hi"],
                  environment: commandEnvironment(qqTLS)),
                TimedCommand(
                  name: "mqtt_tls", arguments: publish(mqttTLS.endpoint.port) + ["--cafile", certificate]),
                TimedCommand(
                  name: "qq_plain",
                  arguments: [
                    programs.qq, "send", "--hub", "127.0.0.1:\(qq.endpoint.port)", "--plaintext", "@all", "hi",
                  ],
                  environment: commandEnvironment(qq)),
                TimedCommand(name: "mqtt_plain", arguments: publish(mqtt.endpoint.port)),
              ], runs: pace.commandRuns)
          }
        }
      }
    }
  }

  private func publish(_ port: UInt16) -> [String] {
    [programs.mosquittoPub, "-h", "127.0.0.1", "-p", String(port), "-q", "1", "-t", "bench", "-m", "hi"]
  }

  private func commandEnvironment(_ server: Server) -> [String: String] {
    let folder = server.folder.path
    return [
      "XDG_STATE_HOME": "\(folder)/client", "XDG_CONFIG_HOME": "\(folder)/client", "HOME": folder, "QQ_NICK": "bench",
    ]
  }

  private func describe(_ server: ServerSettings) -> [(String, JSONLine.Value)] {
    [
      ("peer", .string(server.kind.rawValue)), ("tls", .bool(server.usesTLS)), ("durable", .bool(server.isDurable)),
    ]
  }

  private func describe(_ settings: FloodSettings) -> [(String, JSONLine.Value)] {
    [
      ("senders", .int(settings.senders)), ("listeners", .int(settings.listeners)), ("size", .int(settings.size)),
      ("window", .int(settings.window)),
    ]
  }

  private func emit(_ fields: [(String, JSONLine.Value)]) {
    JSONLine(fields).emit()
  }
}
