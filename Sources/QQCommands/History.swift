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

  @Argument(help: .init("A nick, an address or a @group.", valueName: "target"), completion: LiveCompletion.targets)
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
    let context = try await CommandContext.find(options, targets: target.map { [$0] } ?? [])
    let filter = try EventFilter(match: match)
    let limit = limit ?? (since == nil ? 100 : nil)
    let link = try context.link(within: context.timeout ?? 10_000)
    let start = since?.start(now: Clock.now)
    let target = target.map(context.aliases.resolve)
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

  /// For each page: all that is kept may take long.
  private var patience: Int64 { context.timeout ?? 10_000 }

  func newest(_ limit: Int, _ filter: EventFilter, _ lines: inout HubLink.Lines) async throws {
    do {
      let newest = try await HistoryPage.newest(
        limit, of: target, since: since, floor: after ?? 0, on: link, &lines, context.endpoint, within: patience,
        where: { filter.accepts($0) })
      try context.output.show(newest)
    } catch let failure as HubFrame.Failure {
      throw context.failure(failure)
    }
  }

  mutating func everything(_ filter: EventFilter, _ lines: inout HubLink.Lines) async throws {
    while true {
      let (page, more) = try await ask(
        .init(ref: 1, target: target, after: after ?? 0, since: since), &lines)
      try context.output.show(page.filter { $0.frame.map(filter.accepts) ?? false })
      guard more, let last = page.last?.frame?.seq else { return }
      after = last
      since = nil
    }
  }

  private func ask(
    _ request: ClientFrame.HistoryRequest, _ lines: inout HubLink.Lines
  ) async throws -> (page: [HubLine], more: Bool) {
    do {
      let page = try await HistoryPage.ask(request, on: link, &lines, context.endpoint, within: patience)
      return (page.lines, page.more)
    } catch let failure as HubFrame.Failure {
      throw context.failure(failure)
    }
  }
}
