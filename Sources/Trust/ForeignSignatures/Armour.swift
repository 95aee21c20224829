import Diagnostics
import Wire

/// Text that people and editors pass on: lines, with or without a carriage return at the end of each.
enum TextLines {
  /// The lines of `bytes`; a line feed at the very end begins no line.
  ///
  /// - Throws: `text.character` for control characters other than tabs, and for what is not UTF-8.
  static func split(_ bytes: [UInt8], what: String) throws(Problem) -> [String] {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed("text.character", "\(what) is not UTF-8 text")
    }
    var lines: [String] = []
    for (number, line) in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
      let line = line.last == 0x0d ? line.dropLast() : line
      guard line.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }) else {
        throw .malformed("text.character", "\(what) holds a control character", place: "line \(number + 1)")
      }
      lines.append(String(decoding: line, as: UTF8.self))
    }
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}
