public import Diagnostics

extension DomainName {
  /// Reads the text form of RFC 1035, 5.1: labels between dots, `\.` for a dot within one, `\DDD` for any octet. A name
  /// without its final dot is complete too; `.` is the root.
  ///
  /// Throws `dns.name` for an empty label, a label of more than 63 or a name of more than 255 octets, and a bad escape.
  public init(_ text: some StringProtocol) throws(Problem) {
    let text = Array(text.utf8)
    guard !text.isEmpty else { throw DomainName.problem("the name is empty", hint: "the root is written as a dot") }
    if text == [UInt8(ascii: ".")] {
      self = .root
      return
    }
    var wire: [UInt8] = []
    var label: [UInt8] = []
    var at = 0
    while at < text.count {
      let octet = text[at]
      at += 1
      if octet == UInt8(ascii: ".") {
        try DomainName.append(label, to: &wire)
        label.removeAll(keepingCapacity: true)
      } else if octet == UInt8(ascii: "\\") {
        label.append(try DomainName.escaped(text, &at))
      } else {
        label.append(octet)
      }
    }
    if text.last != UInt8(ascii: ".") || !label.isEmpty { try DomainName.append(label, to: &wire) }
    wire.append(0)
    guard wire.count <= DomainName.longest else {
      throw DomainName.problem("the name has \(wire.count) octets", hint: "at most 255, length octets included")
    }
    self.init(trusted: wire)
  }

  private static func append(_ label: [UInt8], to wire: inout [UInt8]) throws(Problem) {
    guard (1...longestLabel).contains(label.count) else {
      throw problem("a label has \(label.count) octets", hint: "1 to 63")
    }
    wire.append(UInt8(label.count))
    wire += label
  }

  /// The octet behind a backslash: three decimal digits up to 255, or any other octet for itself.
  private static func escaped(_ text: [UInt8], _ at: inout Int) throws(Problem) -> UInt8 {
    guard at < text.count else { throw problem("a backslash ends the name", hint: "write \\\\ for a backslash") }
    guard ASCII.isDigit(text[at]) else {
      at += 1
      return text[at - 1]
    }
    guard at + 3 <= text.count, text[at..<(at + 3)].allSatisfy(ASCII.isDigit) else {
      throw problem("an escape has fewer than three digits", hint: "write \\032 for a space")
    }
    let value = text[at..<(at + 3)].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    at += 3
    guard value < 256 else { throw problem("an escape is greater than 255", hint: "write \\000 to \\255") }
    return UInt8(value)
  }
}

extension DomainName: CustomStringConvertible {
  /// The text form with a final dot; what is no visible ASCII is written as `\DDD`, so it is safe for a terminal.
  public var description: String {
    guard wire[0] != 0 else { return "." }
    var text: [UInt8] = []
    for label in labels {
      for octet in label {
        switch octet {
        case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "("), UInt8(ascii: ")"),
          UInt8(ascii: ";"), UInt8(ascii: "@"), UInt8(ascii: "$"):
          text += [UInt8(ascii: "\\"), octet]
        case 0x21...0x7e: text.append(octet)
        default:
          let digits = String(octet)
          text.append(UInt8(ascii: "\\"))
          text += Array(repeating: UInt8(ascii: "0"), count: 3 - digits.utf8.count) + Array(digits.utf8)
        }
      }
      text.append(UInt8(ascii: "."))
    }
    return String(decoding: text, as: UTF8.self)
  }
}
