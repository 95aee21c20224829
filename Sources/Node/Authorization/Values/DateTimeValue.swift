/// A point in time, in milliseconds since 1970-01-01T00:00:00Z, of which 64 bits are valid (Cedar, `datetime`, RFC 80).
public struct DateTimeValue: Hashable, Sendable, Comparable {
  /// Milliseconds since the epoch.
  public let milliseconds: Int64

  static let day: Int64 = 86_400_000

  /// The point of `milliseconds` since the epoch.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Reads `YYYY-MM-DD`, or with `Thh:mm:ss`, `.SSS` and `Z` or `+hhmm` behind it; nil for anything else.
  public init?(_ text: Text) {
    var rest = text.bytes[...]
    guard let year = Digits.take(4, from: &rest), Digits.skip("-", from: &rest),
      let month = Digits.take(2, from: &rest), Digits.skip("-", from: &rest), let day = Digits.take(2, from: &rest),
      (1...12).contains(month), day >= 1, day <= DateTimeValue.days(in: month, of: year)
    else { return nil }
    let date = DateTimeValue.daysSinceEpoch(year, month, day) * DateTimeValue.day
    if rest.isEmpty {
      milliseconds = date
      return
    }
    guard let time = DateTimeValue.time(&rest), rest.isEmpty else { return nil }
    milliseconds = date + time
  }

  /// The milliseconds of `Thh:mm:ss[.SSS](Z|±hhmm)`, the offset taken off.
  private static func time(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    guard Digits.skip("T", from: &rest), let hour = Digits.take(2, from: &rest), Digits.skip(":", from: &rest),
      let minute = Digits.take(2, from: &rest), Digits.skip(":", from: &rest), let second = Digits.take(2, from: &rest),
      hour < 24, minute < 60, second < 60
    else { return nil }
    var total = ((hour * 60 + minute) * 60 + second) * 1000
    if Digits.skip(".", from: &rest) {
      guard let fraction = Digits.take(3, from: &rest) else { return nil }
      total += fraction
    }
    if Digits.skip("Z", from: &rest) { return total }
    let isEast = Digits.skip("+", from: &rest)
    guard isEast || Digits.skip("-", from: &rest), let hours = Digits.take(2, from: &rest),
      let minutes = Digits.take(2, from: &rest), hours < 24, minutes < 60
    else { return nil }
    let offset = (hours * 60 + minutes) * 60_000
    return isEast ? total - offset : total + offset
  }

  private static func days(in month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days of the proleptic Gregorian calendar; years start in March here, so that the leap day is the last.
  private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The point `duration` later; nil beyond 64 bits.
  func offset(by duration: DurationValue) -> DateTimeValue? {
    let (sum, overflow) = milliseconds.addingReportingOverflow(duration.milliseconds)
    return overflow ? nil : DateTimeValue(milliseconds: sum)
  }

  /// What passed since `other`; nil beyond 64 bits.
  func duration(since other: DateTimeValue) -> DurationValue? {
    let (difference, overflow) = milliseconds.subtractingReportingOverflow(other.milliseconds)
    return overflow ? nil : DurationValue(milliseconds: difference)
  }

  /// The start of the day; nil where that is before what 64 bits hold.
  var date: DateTimeValue? {
    let (start, overflow) = milliseconds.subtractingReportingOverflow(time.milliseconds)
    return overflow ? nil : DateTimeValue(milliseconds: start)
  }

  /// What passed since the start of the day.
  var time: DurationValue {
    let remainder = milliseconds % DateTimeValue.day
    return DurationValue(milliseconds: remainder < 0 ? remainder + DateTimeValue.day : remainder)
  }

  /// The earlier first.
  public static func < (left: DateTimeValue, right: DateTimeValue) -> Bool { left.milliseconds < right.milliseconds }
}

extension DateTimeValue: CustomStringConvertible {
  /// An expression that gives the value, for those beyond the year 9999 too.
  public var description: String { "datetime(\"1970-01-01\").offset(duration(\"\(milliseconds)ms\"))" }
}

/// A span of time in milliseconds (Cedar, `duration`, RFC 80).
public struct DurationValue: Hashable, Sendable, Comparable {
  /// Milliseconds, negative for spans into the past.
  public let milliseconds: Int64

  /// A span of `milliseconds`.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Units in the order in which they must be written, and their milliseconds.
  private static let units: [(name: [UInt8], milliseconds: Int64)] = [
    (Array("d".utf8), 86_400_000), (Array("h".utf8), 3_600_000), (Array("m".utf8), 60_000), (Array("s".utf8), 1000),
    (Array("ms".utf8), 1),
  ]

  /// Reads numbers with the units d, h, m, s and ms, each at most once and in this order; nil for anything else.
  public init?(_ text: Text) {
    var rest = text.bytes[...]
    let isNegative = Digits.skip("-", from: &rest)
    guard !rest.isEmpty else { return nil }
    var total: Int64 = 0
    var allowed = DurationValue.units[...]
    while !rest.isEmpty {
      var number: Int64 = 0
      let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard !digits.isEmpty else { return nil }
      for digit in digits {
        guard let next = Digits.append(digit, to: number, isNegative: isNegative) else { return nil }
        number = next
      }
      rest = rest.dropFirst(digits.count)
      let name = rest.prefix { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard let unit = allowed.firstIndex(where: { $0.name.elementsEqual(name) }) else { return nil }
      rest = rest.dropFirst(name.count)
      let (product, overflow) = number.multipliedReportingOverflow(by: allowed[unit].milliseconds)
      let (sum, carry) = total.addingReportingOverflow(product)
      guard !overflow, !carry else { return nil }
      total = sum
      allowed = allowed[(unit + 1)...]
    }
    milliseconds = total
  }

  /// The shorter first.
  public static func < (left: DurationValue, right: DurationValue) -> Bool { left.milliseconds < right.milliseconds }
}
