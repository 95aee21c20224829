/// Writes a reply into a buffer of the caller's; bounds are checked by the buffer, sizes before it comes to that.
struct ReplyWriter {
  /// The next octet.
  var at = 0

  @inline(__always)
  mutating func byte(_ value: UInt8, _ out: inout MutableSpan<UInt8>) {
    out[at] = value
    at += 1
  }

  @inline(__always)
  mutating func word(_ value: UInt16, _ out: inout MutableSpan<UInt8>) {
    out[at] = UInt8(truncatingIfNeeded: value >> 8)
    out[at + 1] = UInt8(truncatingIfNeeded: value)
    at += 2
  }

  @inline(__always)
  mutating func long(_ value: UInt32, _ out: inout MutableSpan<UInt8>) {
    word(UInt16(truncatingIfNeeded: value >> 16), &out)
    word(UInt16(truncatingIfNeeded: value), &out)
  }

  /// Copies a part of what was received.
  @inline(__always)
  mutating func copy(_ bytes: Span<UInt8>, _ range: Range<Int>, _ out: inout MutableSpan<UInt8>) {
    var to = at
    for from in range {
      out[to] = bytes[from]
      to += 1
    }
    at = to
  }

  /// Copies a part of what was prepared.
  @inline(__always)
  mutating func copy(_ bytes: [UInt8], _ range: Range<Int>, _ out: inout MutableSpan<UInt8>) {
    copy(bytes.span, range, &out)
  }

  /// Writes a count of the header again.
  @inline(__always)
  func patch(_ value: UInt16, at place: Int, _ out: inout MutableSpan<UInt8>) {
    out[place] = UInt8(truncatingIfNeeded: value >> 8)
    out[place + 1] = UInt8(truncatingIfNeeded: value)
  }
}
