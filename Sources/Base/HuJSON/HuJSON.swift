public import Diagnostics
public import StrictJSON

/// JSON with comments (`//` and `/* */`) and trailing commas, as people write it by hand.
///
/// Everything else is StrictJSON's: duplicate keys, lone surrogates, bytes behind the document and numbers that no
/// double holds are refused. Comments and trailing commas become spaces, byte for byte, so that every place StrictJSON
/// names is the place in the file (the grammar: github.com/tailscale/hujson, "JWCC").
public enum HuJSON {
  /// Parses one document and reads it with `read`; every problem gets its line and column.
  ///
  /// Throws `hujson.comment` for a comment that does not end, and what StrictJSON and `read` throw.
  public static func decode<Value>(
    _ bytes: [UInt8], limits: JSON.Limits = JSON.Limits(), _ read: (JSONReader) throws(Problem) -> Value
  ) throws(Problem) -> Value {
    try JSON.decode(try standardized(bytes, limits: limits), limits: limits, read)
  }

  /// The same document as JSON: as many bytes and lines, comments and trailing commas are spaces.
  ///
  /// Throws `json.size` before anything is looked at, and `hujson.comment`.
  public static func standardized(_ bytes: [UInt8], limits: JSON.Limits = JSON.Limits()) throws(Problem) -> [UInt8] {
    guard bytes.count <= limits.size else {
      throw .malformed("json.size", "the document has \(bytes.count) bytes, more than the \(limits.size) allowed")
    }
    var scanner = Scanner(bytes: bytes)
    try scanner.run()
    return scanner.bytes
  }
}

/// One pass over the bytes. It knows strings, comments and the last byte that was neither; what is wrong otherwise
/// stays as it is, and StrictJSON refuses it.
private struct Scanner {
  var bytes: [UInt8]
  var index = 0
  /// The last byte that is no white space and no comment; 0 at the start.
  var last: UInt8 = 0
  /// Where a comma stands that a closing bracket would make a trailing one.
  var comma: Int?

  mutating func run() throws(Problem) {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0a, 0x0d: index += 1
      case UInt8(ascii: "/"): try comment()
      case UInt8(ascii: "\""): string()
      default: token()
      }
    }
  }

  private mutating func token() {
    let byte = bytes[index]
    switch byte {
    case UInt8(ascii: ","):
      // A comma that follows no value is an error and not a trailing comma: `[,]`, `[1,,]`, `{"a":,}`.
      let follows: [UInt8] = [0, UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "{")]
      comma = follows.contains(last) ? nil : index
    case UInt8(ascii: "]"), UInt8(ascii: "}"):
      if let comma { bytes[comma] = 0x20 }
      comma = nil
    default: comma = nil
    }
    last = byte
    index += 1
  }

  private mutating func string() {
    comma = nil
    index += 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    index += 1
    last = UInt8(ascii: "\"")
  }

  private mutating func comment() throws(Problem) {
    let start = index
    switch start + 1 < bytes.count ? bytes[start + 1] : 0 {
    case UInt8(ascii: "/"):
      while index < bytes.count, bytes[index] != 0x0a { blank() }
    case UInt8(ascii: "*"):
      blank()
      blank()
      while index + 1 < bytes.count, bytes[index] != UInt8(ascii: "*") || bytes[index + 1] != UInt8(ascii: "/") {
        blank()
      }
      guard index + 1 < bytes.count else {
        throw .malformed(
          "hujson.comment", "a comment does not end", place: "\(Scanner.place(start, in: bytes))",
          source: "github.com/tailscale/hujson", hint: "end it with */")
      }
      blank()
      blank()
    default: token()
    }
  }

  /// A comment's byte becomes a space; line ends stay, so that lines are counted as in the file.
  private mutating func blank() {
    if bytes[index] != 0x0a, bytes[index] != 0x0d { bytes[index] = 0x20 }
    index += 1
  }

  private static func place(_ offset: Int, in bytes: [UInt8]) -> String {
    let before = bytes[..<offset]
    let line = before.count { $0 == 0x0a } + 1
    let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    return "\(line):\(offset - start + 1)"
  }
}
