import Glibc

/// The Internet checksum (RFC 1071): sums are taken in memory order, folded late, and carried in 64 bits.
///
/// Eight lanes of 64 bits take 32-bit words: no carry can be lost in a packet, and the loop becomes vector code.
enum Checksum {
  /// The sum of `count` octets; an odd last octet counts as the first half of a word.
  @inline(__always) static func sum(_ start: Octets, _ count: Int) -> UInt64 {
    var lanes = SIMD8<UInt64>.zero
    var at = 0
    while at &+ 32 <= count {
      let words = unsafe start.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt32>.self)
      lanes &+= SIMD8<UInt64>(truncatingIfNeeded: words)
      at &+= 32
    }
    return unsafe lanes.wrappedSum() &+ tail(start, at, count)
  }

  /// Copies `count` octets, which do not overlap, and sums them on the way.
  @inline(__always) static func sumCopying(to target: Octets, from start: Octets, _ count: Int) -> UInt64 {
    var lanes = SIMD8<UInt64>.zero
    var at = 0
    while at &+ 32 <= count {
      let words = unsafe start.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt32>.self)
      unsafe target.storeBytes(of: words, toByteOffset: at, as: SIMD8<UInt32>.self)
      lanes &+= SIMD8<UInt64>(truncatingIfNeeded: words)
      at &+= 32
    }
    unsafe memcpy(target + at, start + at, count &- at)
    return unsafe lanes.wrappedSum() &+ tail(start, at, count)
  }

  @inline(__always) private static func tail(_ start: Octets, _ from: Int, _ count: Int) -> UInt64 {
    var at = from
    var sum: UInt64 = 0
    while at &+ 4 <= count {
      sum &+= UInt64(unsafe start.raw32(at))
      at &+= 4
    }
    if count & 2 != 0 {
      sum &+= UInt64(unsafe start.raw16(at))
      at &+= 2
    }
    if count & 1 != 0 { sum &+= UInt64(unsafe start.octet(at)) }
    return sum
  }

  /// Sixteen bits with every carry brought back, in memory order; complement it for the field.
  @inline(__always) static func fold(_ sum: UInt64) -> Int {
    var value = (sum & 0xffff_ffff) &+ (sum >> 32)
    value = (value & 0xffff) &+ ((value >> 16) & 0xffff) &+ (value >> 32)
    value = (value & 0xffff) &+ (value >> 16)
    value = (value & 0xffff) &+ (value >> 16)
    return Int(truncatingIfNeeded: value)
  }

  /// A number as the two octets that it is on the wire.
  @inline(__always) static func word(_ value: Int) -> UInt64 { UInt64(UInt16(truncatingIfNeeded: value).byteSwapped) }

  /// The addresses and the protocol of the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1); the length is added apart.
  @inline(__always) static func pseudoHeader(_ packet: Octets, isV6: Bool, transport: Int) -> UInt64 {
    let addresses = unsafe isV6 ? sum(packet + 8, 32) : sum(packet + 12, 8)
    return addresses &+ word(transport)
  }
}
