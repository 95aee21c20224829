public import Diagnostics
public import NetworkTypes

/// One attribute: a type and its bytes. The bytes are read with a type; a wrong length is an error, never a guess.
public struct NetlinkAttribute: Sendable {
  /// The type without the bits that say how the content is written.
  public let type: UInt16
  /// The content without its padding.
  public let value: ArraySlice<UInt8>

  /// One byte.
  public func uint8() throws(Problem) -> UInt8 { try exact(UInt8.self) }
  /// Two bytes in the machine's order.
  public func uint16() throws(Problem) -> UInt16 { try exact(UInt16.self) }
  /// Four bytes in the machine's order.
  public func uint32() throws(Problem) -> UInt32 { try exact(UInt32.self) }
  /// Eight bytes in the machine's order.
  public func uint64() throws(Problem) -> UInt64 { try exact(UInt64.self) }

  /// The integer `offset` bytes inside a structure. A longer structure is a newer kernel's and is accepted.
  public func field<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type, at offset: Int) throws(Problem)
    -> Value
  {
    guard let value = value.integer(type, at: offset) else { throw wrongLength("at least \(offset) and a field") }
    return value
  }

  /// The integer in network order `offset` bytes inside a structure.
  public func networkField<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type, at offset: Int)
    throws(Problem) -> Value
  {
    Value(bigEndian: try field(type, at: offset))
  }

  /// Text that ends at its first NUL, or with the attribute. What is not UTF-8 is shown with replacement characters.
  public func text() -> String { String(decoding: value.prefix { $0 != 0 }, as: UTF8.self) }

  /// An address of four or sixteen bytes in network order.
  public func address() throws(Problem) -> IPAddress {
    guard let address = IPAddress(octets: value) else { throw wrongLength("4 or 16") }
    return address
  }

  /// Exactly `count` bytes.
  public func bytes(_ count: Int) throws(Problem) -> ArraySlice<UInt8> {
    guard value.count == count else { throw wrongLength("\(count)") }
    return value
  }

  /// The attributes inside.
  public func nested() throws(Problem) -> NetlinkAttributes { try NetlinkAttributes(value) }

  private func exact<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type) throws(Problem) -> Value {
    guard value.count == MemoryLayout<Value>.size, let value = value.integer(type, at: 0) else {
      throw wrongLength("\(MemoryLayout<Value>.size)")
    }
    return value
  }

  private func wrongLength(_ expected: String) -> Problem {
    .malformed("netlink.attribute", "attribute \(type) has \(value.count) bytes instead of \(expected)")
  }
}

/// The attributes of a message or of a nest, in order.
public struct NetlinkAttributes: Sendable, Sequence {
  /// The length of an attribute's own header in bytes.
  static let headerLength = 4

  private let all: [NetlinkAttribute]

  /// Cuts bytes into attributes. All bytes have to be used up but for the padding of the last attribute.
  ///
  /// Throws `netlink.attribute`.
  public init(_ bytes: ArraySlice<UInt8>) throws(Problem) {
    var all: [NetlinkAttribute] = []
    var rest = bytes
    while !rest.isEmpty {
      guard let length = rest.integer(UInt16.self, at: 0).map(Int.init), length >= Self.headerLength,
        length <= rest.count, let type = rest.integer(UInt16.self, at: 2)
      else {
        throw .malformed(
          "netlink.attribute", "an attribute among \(rest.count) bytes has no header, or is longer than they are",
          place: "byte \(rest.startIndex)")
      }
      let start = rest.startIndex
      // The two highest bits say “nested” and “in network order”; older families leave them out, so they prove nothing.
      all.append(
        NetlinkAttribute(type: type & 0x3fff, value: rest[(start + Self.headerLength)..<(start + length)]))
      rest = rest.dropFirst(aligned(length))
    }
    self.all = all
  }

  /// The first attribute of a type.
  public subscript(type: Int) -> NetlinkAttribute? { all.first { $0.type == type } }

  /// The attributes in order.
  public func makeIterator() -> IndexingIterator<[NetlinkAttribute]> { all.makeIterator() }
}
