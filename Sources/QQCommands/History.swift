import ArgumentParser
import QQClient
import QQProtocol

struct History: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Print what was said, oldest first.",
    discussion: "With a TARGET the conversation with a user, an address or a group; without, all that you may read.")

  @OptionGroup var options: GlobalOptions

  @Option(help: .init("Start after a seq, at a time, or a duration ago.", valueName: "start"))
  var since: SinceOption?

  @Option(help: .init("The newest so many (100 without --since).", valueName: "count"))
  var limit: Int?

  @Option(help: .init("Only messages whose text matches.", valueName: "regex"))
  var match: String?

  @Argument(help: .init("A nick, an address or a @group.", valueName: "target"))
  var target: String?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1") }
    do {
      _ = try EventFilter(match: match)
    } catch let failure as CommandFailure {
      throw ValidationError(failure.message ?? "bad filter")
    }
  }

  func run() async throws {
    let context = try CommandContext(options)
    let filter = try EventFilter(match: match)
    let limit = limit ?? (since == nil ? 100 : nil)
    let link = try context.link(within: context.timeout ?? 10_000)
    let start = since?.start(now: Clock.now)
    let target = target
    try await HubLink.with(link) { link, lines in
      var pages = HistoryPages(context, link, target: target, start: start)
      if let limit {
        try await pages.newest(limit, filter, &lines)
      } else {
        try await pages.everything(filter, &lines)
      }
    }
  }
}

/// Asks for pages of history until there is enough.
private struct HistoryPages {
  let context: CommandContext
  let link: HubLink
  let target: String?
  var after: Int64?
  var since: Timestamp?

  init(_ context: CommandContext, _ link: HubLink, target: String?, start: ClientFrame.Start?) {
    self.context = context
    self.link = link
    self.target = target
    switch start {
    case .seq(let seq): after = seq
    case .time(let time): since = time
    case .unread, .now, nil: break
    }
  }

  /// The newest come in pages from the end, and are printed when all are here.
  mutating func newest(_ limit: Int, _ filter: EventFilter, _ lines: inout HubLink.Lines) async throws {
    var kept: [HubLine] = []
    var before: Int64?
    let floor = after ?? 0
    while kept.count < limit {
      let (page, more) = try await ask(
        .init(ref: 1, target: target, before: before, since: since, limit: Int64(ProtocolLimits.historyPage)), &lines)
      let wanted = page.filter { line in
        line.frame.map { filter.accepts($0) && ($0.seq ?? 0) > floor } ?? false
      }
      kept = wanted + kept
      guard more, let first = page.first?.frame?.seq, first > floor else { break }
      before = first
    }
    try context.output.show(kept.suffix(limit))
  }

  mutating func everything(_ filter: EventFilter, _ lines: inout HubLink.Lines) async throws {
    while true {
      let (page, more) = try await ask(
        .init(ref: 1, target: target, after: after ?? (since == nil ? 0 : nil), since: since), &lines, forward: true)
      try context.output.show(page.filter { $0.frame.map(filter.accepts) ?? false })
      guard more, let last = page.last?.frame?.seq else { return }
      after = last
      since = nil
    }
  }

  private func ask(
    _ request: ClientFrame.HistoryRequest, _ lines: inout HubLink.Lines, forward: Bool = false
  ) async throws -> (page: [HubLine], more: Bool) {
    var request = request
    if forward, request.after == nil { request.after = 0 }
    try await link.write([.history(request)])
    var page: [HubLine] = []
    while let batch = try await lines.next() {
      for line in batch {
        switch line.frame {
        case .message, .file, .complete: page.append(line)
        case .ok(let ok): return (page, ok.more)
        case .error(let failure): throw context.failure(failure)
        default: break
        }
      }
    }
    throw ClientError.lost(context.endpoint)
  }
}
