import Diagnostics

extension JSON {
  /// The canonical form of the JSON Canonicalization Scheme (RFC 8785): no white space, members sorted by the UTF-16
  /// code units of their keys, shortest round-trip numbers. Everything that we sign is in this form.
  public var canonical: [UInt8] {
    var writer = CanonicalWriter()
    writer.write(self)
    return writer.bytes
  }

  /// The canonical form as text.
  public var canonicalText: String { String(decoding: canonical, as: UTF8.self) }

  /// One line of JSON for a terminal: the canonical form, but what could act on a terminal is escaped inside the strings.
  ///
  /// The value is the same; the bytes are not the canonical ones, so sign and digest `canonical`.
  public var printable: String {
    var text = ""
    for scalar in canonicalText.unicodeScalars {
      if Printable.isUnsafe(scalar) {
        text += "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count)
        text += String(scalar.value, radix: 16)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The same value indented by two spaces, members in their own order, with a final newline: for people.
  public var pretty: String {
    var text = ""
    appendPretty(to: &text, indent: 0)
    return text + "\n"
  }

  private func appendPretty(to text: inout String, indent: Int) {
    let inner = String(repeating: "  ", count: indent + 1)
    let outer = String(repeating: "  ", count: indent)
    switch self {
    case .array(let elements) where !elements.isEmpty:
      text += "[\n"
      for (index, element) in elements.enumerated() {
        text += inner
        element.appendPretty(to: &text, indent: indent + 1)
        text += index + 1 < elements.count ? ",\n" : "\n"
      }
      text += outer + "]"
    case .object(let object) where !object.members.isEmpty:
      text += "{\n"
      for (index, member) in object.members.enumerated() {
        text += inner + JSON.string(member.key).printable + ": "
        member.value.appendPretty(to: &text, indent: indent + 1)
        text += index + 1 < object.members.count ? ",\n" : "\n"
      }
      text += outer + "}"
    default: text += printable
    }
  }
}

private struct CanonicalWriter {
  var bytes: [UInt8] = []

  mutating func write(_ value: JSON) {
    switch value {
    case .null: append("null")
    case .bool(let flag): append(flag ? "true" : "false")
    case .integer(let integer): append(String(integer))
    case .number(let double): append(ECMAScriptNumber.text(double))
    case .string(let text): writeString(text)
    case .array(let elements):
      append("[")
      for (index, element) in elements.enumerated() {
        if index > 0 { append(",") }
        write(element)
      }
      append("]")
    case .object(let object):
      append("{")
      let sorted = object.members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
      for (index, member) in sorted.enumerated() {
        if index > 0 { append(",") }
        writeString(member.key)
        append(":")
        write(member.value)
      }
      append("}")
    }
  }

  /// RFC 8785 §3.2.2.2: only what must be escaped is.
  private mutating func writeString(_ text: String) {
    append("\"")
    defer { append("\"") }
    guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x5c || $0 < 0x20 }) else { return append(text) }
    for byte in text.utf8 {
      switch byte {
      case 0x22: append("\\\"")
      case 0x5c: append("\\\\")
      case 0x08: append("\\b")
      case 0x09: append("\\t")
      case 0x0a: append("\\n")
      case 0x0c: append("\\f")
      case 0x0d: append("\\r")
      case ..<0x20: append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}

/// Numbers as ECMAScript writes them (ECMA-262, Number::toString), which RFC 8785 §3.2.2.3 prescribes.
enum ECMAScriptNumber {
  static func text(_ value: Double) -> String {
    if value == 0 { return "0" }
    if value < 0 { return "-" + text(-value) }
    let (digits, exponent) = shortest(value)
    let count = digits.count
    switch exponent {
    case count...21 where exponent >= count: return digits + String(repeating: "0", count: exponent - count)
    case 1...21: return digits.prefix(exponent) + "." + digits.dropFirst(exponent)
    case -5...0: return "0." + String(repeating: "0", count: -exponent) + digits
    default:
      let power = exponent - 1
      let fraction = count > 1 ? "." + digits.dropFirst() : ""
      return "\(digits.prefix(1))\(fraction)e\(power < 0 ? "-" : "+")\(abs(power))"
    }
  }

  /// The shortest digits that round-trip, and the decimal exponent n with value = 0.digits × 10^n.
  ///
  /// Swift's own description holds exactly those digits (its algorithm, SwiftDtoa, is shortest and closest), so only
  /// the layout differs.
  private static func shortest(_ value: Double) -> (digits: String, exponent: Int) {
    let parts = value.description.split(separator: "e")
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(mantissa[0])
    let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
    exponent += whole.count
    var digits = whole + fraction
    while digits.hasPrefix("0") {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.hasSuffix("0") { digits.removeLast() }
    return (digits, exponent)
  }
}
