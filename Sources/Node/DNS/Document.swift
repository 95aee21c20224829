import Diagnostics
import StrictJSON

/// The one place that decides how files written by hand are read.
enum Document {
  /// Parses a file and reads it with `read`; errors have line and column.
  ///
  /// JSON for now: comments and final commas are refused until the reader of HuJSON is there; this function alone changes.
  static func decode<Value>(
    _ bytes: [UInt8], limit: Int, _ read: (JSONReader) throws(Problem) -> Value
  ) throws(Problem) -> Value {
    try JSON.decode(bytes, limits: JSON.Limits(size: limit, depth: 16, values: 1_000_000), read)
  }
}

extension JSONReader {
  /// An integer that fits 32 bits without a sign.
  func unsigned(_ range: ClosedRange<Int64> = 0...Int64(UInt32.max)) throws(Problem) -> UInt32 {
    UInt32(truncatingIfNeeded: try integer(in: range))
  }

  /// A name in text form.
  func domainName() throws(Problem) -> DomainName {
    let text = try token(atMost: 1024)
    do { return try DomainName(text) } catch { throw located(error) }
  }
}
