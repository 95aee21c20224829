/// The window of counters that were seen (RFC 6479): a ring of 8,192 bits, of which 8,128 count.
///
/// A view of memory that the caller owns, for one reader at a time: a packet path puts it beside its other state of a
/// session and pays neither for an allocation nor for a reference. Check a packet only after it was authenticated.
///
/// Safe: every access is masked into the `byteCount` bytes that the initialiser asks for.
@frozen @safe public struct ReplayWindow {
  /// How many counters behind the highest are still told apart.
  @inlinable public static var size: UInt64 { 8_128 }
  /// What the memory must hold, in 64-bit words: the highest counter plus one, then the ring.
  @inlinable public static var wordCount: Int { 1 + 128 }

  @usableFromInline let words: UnsafeMutablePointer<UInt64>

  /// A window over `wordCount` words that outlive it; call `reset` before the first packet.
  @unsafe @inlinable public init(_ words: UnsafeMutablePointer<UInt64>) { unsafe self.words = words }

  /// Forgets every counter. Call it for a new session.
  @inlinable public func reset() { unsafe words.update(repeating: 0, count: Self.wordCount) }

  /// Whether the counter is new, which it is not any more afterwards. Call it once for each authentic packet.
  @inlinable public func accept(_ counter: UInt64) -> Bool {
    // The limit of the counter also keeps the sum below from wrapping.
    guard counter < Specification.refuseAfterMessages else { return false }
    let theirs = counter &+ 1
    let highest = unsafe words[0]
    if theirs &+ Self.size < highest { return false }
    let word = theirs >> 6
    if theirs > highest {
      let current = highest >> 6
      // What lies between the old and the new highest word was not seen; at most the whole ring.
      let steps = min(word &- current, 128)
      var step: UInt64 = 0
      while step < steps {
        step &+= 1
        unsafe words[1 &+ Int(truncatingIfNeeded: (current &+ step) & 127)] = 0
      }
      unsafe words[0] = theirs
    }
    let place = 1 &+ Int(truncatingIfNeeded: word & 127)
    let bit: UInt64 = 1 << (theirs & 63)
    let seen = unsafe words[place]
    unsafe words[place] = seen | bit
    return seen & bit == 0
  }
}
