/// A decimal number with at most four digits behind the point, counted in ten-thousandths (Cedar, `decimal`).
public struct DecimalValue: Hashable, Sendable, Comparable {
  /// Ten-thousandths.
  public let units: Int64

  /// A number of `units` ten-thousandths.
  public init(units: Int64) { self.units = units }

  /// Reads `-?digits.digits` with one to four digits behind the point; nil for anything else, and beyond 64 bits.
  public init?(_ text: Text) {
    var digits = text.bytes[...]
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative { digits = digits.dropFirst() }
    guard let point = digits.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    let fraction = digits[(point + 1)...]
    guard point > digits.startIndex, (1...4).contains(fraction.count) else { return nil }
    var total: Int64 = 0
    for digit in digits[..<point] + fraction + Array(repeating: UInt8(ascii: "0"), count: 4 - fraction.count) {
      guard let next = Digits.append(digit, to: total, isNegative: isNegative) else { return nil }
      total = next
    }
    units = total
  }

  /// By number.
  public static func < (left: DecimalValue, right: DecimalValue) -> Bool { left.units < right.units }
}

extension DecimalValue: CustomStringConvertible {
  /// The number with four digits behind the point.
  public var description: String {
    let fraction = String(units.magnitude % 10_000)
    return "\(units < 0 ? "-" : "")\(units.magnitude / 10_000)." + String(repeating: "0", count: 4 - fraction.count)
      + fraction
  }
}

/// Digits of numbers that may not overflow.
enum Digits {
  /// The number with one more digit; negative numbers are counted downwards, so that the lowest can be held.
  static func append(_ digit: UInt8, to total: Int64, isNegative: Bool) -> Int64? {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
    let value = Int64(digit - UInt8(ascii: "0"))
    let (scaled, overflow) = total.multipliedReportingOverflow(by: 10)
    guard !overflow else { return nil }
    let (sum, carry) = isNegative ? scaled.subtractingReportingOverflow(value) : scaled.addingReportingOverflow(value)
    return carry ? nil : sum
  }

  /// Exactly `count` digits at the front of `text`, which are removed from it; at most nine.
  static func take(_ count: Int, from text: inout ArraySlice<UInt8>) -> Int64? {
    guard text.count >= count else { return nil }
    var total: Int64 = 0
    for digit in text.prefix(count) {
      guard let next = append(digit, to: total, isNegative: false) else { return nil }
      total = next
    }
    text = text.dropFirst(count)
    return total
  }

  /// Whether `character` stood at the front of `text`; it is removed.
  static func skip(_ character: Unicode.Scalar, from text: inout ArraySlice<UInt8>) -> Bool {
    guard text.first == UInt8(ascii: character) else { return false }
    text = text.dropFirst()
    return true
  }
}
