public import Diagnostics

/// One message as it came from the kernel (RFC 3549, 2.3.2): the header's fields, and what follows the header.
public struct NetlinkMessage: Sendable {
  /// The length of the header in bytes.
  static let headerLength = 16

  /// What kind of message: below 16 the protocol's own, else the family's.
  public let type: UInt16
  /// The bits of `nlmsg_flags`.
  public let flags: UInt16
  /// The number of the request that this answers; 0 for an event.
  public let sequence: UInt32
  /// What follows the header: the family's fixed part and the attributes.
  public let payload: ArraySlice<UInt8>

  /// Cuts a datagram into its messages. The whole datagram has to be used up but for the padding of the last message.
  ///
  /// Throws `netlink.message`.
  public static func messages(in datagram: [UInt8]) throws(Problem) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    var rest = datagram[...]
    while !rest.isEmpty {
      guard let length = rest.integer(UInt32.self, at: 0).map(Int.init), length >= headerLength, length <= rest.count,
        let type = rest.integer(UInt16.self, at: 4), let flags = rest.integer(UInt16.self, at: 6),
        let sequence = rest.integer(UInt32.self, at: 8)
      else {
        throw .malformed(
          "netlink.message", "a message of \(rest.count) bytes has no header, or says another length",
          place: "byte \(rest.startIndex)", source: "RFC 3549, 2.3.2")
      }
      let start = rest.startIndex
      messages.append(
        NetlinkMessage(
          type: type, flags: flags, sequence: sequence, payload: rest[(start + headerLength)..<(start + length)]))
      rest = rest.dropFirst(aligned(length))
    }
    return messages
  }

  /// The attributes behind a fixed part of `length` bytes. Throws `netlink.message` when the fixed part is shorter.
  public func attributes(after length: Int) throws(Problem) -> NetlinkAttributes {
    guard payload.count >= length else {
      throw .malformed("netlink.message", "a message of type \(type) ends before its attributes")
    }
    return try NetlinkAttributes(payload.dropFirst(aligned(length)))
  }
}

/// Lengths in netlink are rounded up to four bytes.
@inline(__always) func aligned(_ length: Int) -> Int { (length + 3) & ~3 }

extension ArraySlice<UInt8> {
  /// The integer in the byte order of this machine that stands `offset` bytes behind the start; nil behind the end.
  func integer<Value: FixedWidthInteger & UnsignedInteger>(_: Value.Type, at offset: Int) -> Value? {
    let size = MemoryLayout<Value>.size
    guard offset >= 0, offset <= count - size else { return nil }
    var value: Value = 0
    for index in 0..<size {
      value |= Value(truncatingIfNeeded: self[startIndex + offset + index]) << Value(8 * index)
    }
    return Value(littleEndian: value)
  }

  /// The integer in network order that stands `offset` bytes behind the start; nil behind the end.
  func bigEndian<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type, at offset: Int) -> Value? {
    integer(type, at: offset).map { Value(bigEndian: $0) }
  }
}
