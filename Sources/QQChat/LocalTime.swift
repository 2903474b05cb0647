import Glibc
import QQProtocol

/// A time as the clock on the wall says it.
public struct LocalTime: Equatable, Sendable {
  public var year: Int
  public var month: Int
  public var day: Int
  /// From Sunday, which is 0.
  public var weekday: Int
  public var hour: Int
  public var minute: Int

  public init(year: Int, month: Int, day: Int, weekday: Int, hour: Int, minute: Int) {
    self.year = year
    self.month = month
    self.day = day
    self.weekday = weekday
    self.hour = hour
    self.minute = minute
  }

  /// In the time zone that `TZ` or the system says.
  public init(_ time: Timestamp) {
    var seconds = time_t(time.milliseconds.quotientAndRemainder(dividingBy: 1_000).quotient)
    var parts = tm()
    localtime_r(&seconds, &parts)
    self.init(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
      weekday: Int(parts.tm_wday), hour: Int(parts.tm_hour), minute: Int(parts.tm_min))
  }

  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  var clock: String { "\(Self.two(hour)):\(Self.two(minute))" }
  var date: String { "\(year)-\(Self.two(month))-\(Self.two(day))" }
  var dateLine: String { "\(date), \(Self.weekdays[weekday % 7])" }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
