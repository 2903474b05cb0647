import Glibc

/// How hard to drive a server.
struct FloodSettings {
  var senders = 1
  var listeners = 100
  /// Bytes of a text.
  var size = 64
  /// Messages a sender may have under way.
  var window = 1024
  /// Whether senders ask for acknowledgements where the protocol leaves the choice.
  var acknowledged = false
  /// Seconds of traffic before anything counts, and seconds that count.
  var warmup = 1.0
  var seconds = 3.0
  /// The server's process, to report what it used.
  var server: pid_t?
}

/// What came of it. Everything but the losses is of the measured window alone.
struct FloodResult {
  var seconds = 0.0
  var deliveries = 0
  var acknowledged = 0
  var bytes = 0
  /// System calls that brought something, at the listeners.
  var reads = 0
  /// Over the whole run: deliveries that never came, came too often, listeners that were cut off.
  var lost = 0
  var surplus = 0
  var cutOff = 0
  /// Shares of one core.
  var generatorLoad = 0.0
  var serverLoad: Double?

  var deliveriesPerSecond: Double { Double(deliveries) / seconds }
  var acknowledgedPerSecond: Double { Double(acknowledged) / seconds }
  var bytesPerSecond: Double { Double(bytes) / seconds }

  var fields: [(String, JSONLine.Value)] {
    var fields: [(String, JSONLine.Value)] = [
      ("seconds", .number(seconds)), ("deliveries_per_second", .number(deliveriesPerSecond)),
      ("acknowledged_per_second", .number(acknowledgedPerSecond)), ("bytes_per_second", .number(bytesPerSecond)),
      ("bytes_per_read", .number(reads > 0 ? Double(bytes) / Double(reads) : 0)),
      ("lost", .int(lost)), ("surplus", .int(surplus)), ("cut_off", .int(cutOff)),
      ("generator_load", .number(generatorLoad)),
    ]
    if let serverLoad { fields.append(("server_load", .number(serverLoad))) }
    return fields
  }
}
