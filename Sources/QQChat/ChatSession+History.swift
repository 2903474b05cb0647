import QQClient
import QQProtocol
import Synchronization

/// What was said, asked for on a connection of its own.
extension ChatSession {
  func ask(_ target: String?, _ count: Int, _ purpose: HistoryPurpose) {
    state.withLock { $0.questions += 1 }
    Task {
      let answer = await history(target, count)
      let effects = state.withLock { state in
        state.steps += 1
        return switch answer {
        case .success(let frames): state.model.historyCame(frames, target: target, purpose)
        case .failure(let failure): state.model.historyFailed(failure, target: target, purpose)
        }
      }
      await performAlone(effects)
      state.withLock { $0.questions -= 1 }
    }
  }

  private func history(_ target: String?, _ count: Int) async -> Result<[HubFrame], HubFrame.Failure> {
    do {
      let configuration = try services.link()
      return .success(
        try await HubLink.with(configuration) { link, lines in
          try await HistoryPage.newest(count, of: target, on: link, &lines, configuration.endpoint) { frame in
            if case .complete = frame { false } else { true }
          }.compactMap(\.frame)
        })
    } catch let failure as HubFrame.Failure {
      return .failure(failure)
    } catch {
      return .failure(.init(code: "unavailable", message: services.explain(error)))
    }
  }
}
