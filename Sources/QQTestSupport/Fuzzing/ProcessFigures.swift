import Glibc

/// What a process holds, as /proc has it.
public struct ProcessFigures: Equatable, Sendable, CustomStringConvertible {
  public var descriptors: Int
  public var threads: Int
  /// The most memory it has had so far, in MiB.
  public var peakMemory: Int

  /// Fails where the process is gone.
  public init(_ process: pid_t) throws {
    let status = try TemporaryFolder.contents("/proc/\(process)/status")
    func number(_ name: String) -> Int? {
      status.split(separator: "\n").first { $0.hasPrefix(name + ":") }.flatMap { Int($0.filter(\.isNumber)) }
    }
    guard let threads = number("Threads"), let peak = number("VmHWM") else {
      throw UnexpectedOutput("process \(process) is gone")
    }
    self.threads = threads
    peakMemory = peak / 1024
    guard let folder = opendir("/proc/\(process)/fd") else { throw SystemFault("opendir") }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // "." and ".." are none.
    descriptors = count - 2
  }

  public var description: String { "\(descriptors) descriptors, \(threads) threads, at most \(peakMemory) MiB" }
}
