public import Diagnostics

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z.
///
/// One spelling, `2026-11-22T16:05:00Z`: RFC 3339 in UTC, so that a time in a signed document has one set of bytes.
/// Foreign documents may carry a fraction and an offset; `init(rfc3339:)` reads those too.
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Seconds since the epoch, between the years 1970 and 9999.
  public let seconds: Int64

  /// The last representable second: 9999-12-31T23:59:59Z.
  public static let latest = Timestamp(unchecked: 253_402_300_799)

  /// A time from seconds since the epoch; nil outside the years 1970 to 9999.
  public init?(seconds: Int64) {
    guard seconds >= 0, seconds <= Timestamp.latest.seconds else { return nil }
    self.seconds = seconds
  }

  private init(unchecked seconds: Int64) { self.seconds = seconds }

  /// Reads our own spelling: UTC, whole seconds, upper-case `T` and `Z`.
  public init(_ text: String) throws(Problem) {
    guard text.utf8.count == 20 else { throw Timestamp.malformed(text) }
    self = try Timestamp(rfc3339: text)
    guard description == text else { throw Timestamp.malformed(text) }
  }

  /// Reads any RFC 3339 date-time; a fraction is cut off, a leap second is refused.
  public init(rfc3339 text: String) throws(Problem) {
    var scanner = Scanner(text: Array(text.utf8))
    guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2), scanner.skip("-"),
      let day = scanner.number(2), scanner.skip("T") || scanner.skip("t"), let hour = scanner.number(2),
      scanner.skip(":"), let minute = scanner.number(2), scanner.skip(":"), let second = scanner.number(2),
      scanner.fraction(), let offset = scanner.offset(), scanner.isAtEnd,
      (1...12).contains(month), (1...Timestamp.days(in: month, of: year)).contains(day), hour < 24, minute < 60,
      second < 60
    else { throw Timestamp.malformed(text) }
    let total = Timestamp.daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    guard let time = Timestamp(seconds: total) else { throw Timestamp.malformed(text) }
    self = time
  }

  /// The time `seconds` later, held to the representable range.
  public func adding(seconds: Int64) -> Timestamp {
    let (sum, overflow) = self.seconds.addingReportingOverflow(seconds)
    let last = Timestamp.latest.seconds
    return Timestamp(unchecked: overflow ? (seconds > 0 ? last : 0) : min(max(sum, 0), last))
  }

  /// Earlier than.
  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }

  private static func malformed(_ text: String) -> Problem {
    .malformed(
      "time.format", "“\(text)” is not a time in UTC", source: "RFC 3339 §5.6", hint: "write 2026-11-22T16:05:00Z")
  }

  private static func days(in month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from 1970-01-01 in the proleptic Gregorian calendar, with the year counted from March.
  private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

extension Timestamp: CustomStringConvertible {
  /// Our own spelling.
  public var description: String {
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let rest = seconds % 86_400
    // Years have four digits: `latest` is of the last one that has.
    var text = Array("0000-00-00T00:00:00Z".utf8)
    func put(_ value: Int64, _ width: Int, at start: Int) {
      var value = value
      for place in (start..<start + width).reversed() {
        text[place] = UInt8(0x30 + value % 10)
        value /= 10
      }
    }
    put(year, 4, at: 0)
    put(month, 2, at: 5)
    put(day, 2, at: 8)
    put(rest / 3600, 2, at: 11)
    put(rest / 60 % 60, 2, at: 14)
    put(rest % 60, 2, at: 17)
    return String(decoding: text, as: UTF8.self)
  }
}

/// Reads the fixed fields of RFC 3339.
private struct Scanner {
  let text: [UInt8]
  var index = 0

  init(text: [UInt8]) { self.text = text }

  var isAtEnd: Bool { index == text.count }

  mutating func number(_ width: Int) -> Int64? {
    guard index + width <= text.count else { return nil }
    var value: Int64 = 0
    for byte in text[index..<index + width] {
      guard (0x30...0x39).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - 0x30)
    }
    index += width
    return value
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  mutating func fraction() -> Bool {
    guard skip(".") else { return true }
    let start = index
    while index < text.count, (0x30...0x39).contains(text[index]) { index += 1 }
    return index > start && index - start <= 18
  }

  /// Seconds east of UTC.
  mutating func offset() -> Int64? {
    if skip("Z") || skip("z") { return 0 }
    let sign: Int64
    if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
    guard let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }
}
