import Diagnostics
import HuJSON
import StrictJSON

/// The one place that decides how files written by hand are read.
enum Document {
  /// Parses a file of HuJSON, which people write with comments, and reads it with `read`; errors have line and column.
  static func decode<Value>(
    _ bytes: [UInt8], limit: Int, _ read: (JSONReader) throws(Problem) -> Value
  ) throws(Problem) -> Value {
    try HuJSON.decode(bytes, limits: JSON.Limits(size: limit, depth: 16, values: 1_000_000), read)
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
