public import Diagnostics
public import StrictJSON

/// The canonical JSON of OLPC (http://wiki.laptop.org/go/Canonical_JSON), over which old-style in-toto metadata is
/// signed and key ids are made.
///
/// It is not RFC 8785: members are sorted by code points and not by UTF-16 units, only the quotation mark and the
/// backslash are escaped so that a line feed stands raw, and numbers with a fraction do not exist.
public enum OLPCCanonicalJSON {
  /// The one spelling of `value`; a number with a fraction or an exponent has none and is malformed.
  public static func encode(_ value: JSON) throws(Problem) -> [UInt8] {
    var bytes: [UInt8] = []
    try write(value, to: &bytes)
    return bytes
  }

  private static func write(_ value: JSON, to bytes: inout [UInt8]) throws(Problem) {
    switch value {
    case .null: bytes += Array("null".utf8)
    case .bool(let flag): bytes += Array((flag ? "true" : "false").utf8)
    case .integer(let integer): bytes += Array(String(integer).utf8)
    case .number:
      throw .malformed("olpc.number", "canonical JSON has integers only", source: "OLPC Canonical JSON")
    case .string(let text): write(text, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        try write(element, to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      // The order of UTF-8 bytes is the order of code points.
      let members = object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        write(member.key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        try write(member.value, to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func write(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
