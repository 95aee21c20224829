import CMnl
public import Diagnostics
import Glibc
public import NetworkTypes

/// A message that is being written: header, the family's fixed part, attributes. Only `NetlinkSocket` numbers and sends it.
public struct NetlinkRequest: Sendable {
  /// What the kernel is asked to do with what is there already.
  public enum Creation: UInt16, Sendable {
    /// Change what is there.
    case change = 0
    /// Make it; an error when it is there.
    case create = 0x600
    /// Make it or put it in the place of what is there.
    case replace = 0x500
  }

  /// Everything so far; the header's length, sequence and port are written when it is sent.
  public private(set) var bytes: [UInt8]
  /// Whether an attribute had more bytes than its 16-bit length can say.
  private var isOverlong = false

  /// A message of a type; flags are added by the socket.
  public init(type: UInt16, creation: Creation = .change) {
    bytes = []
    bytes.reserveCapacity(256)
    append(UInt32(0))
    append(type)
    append(creation.rawValue)
    append(UInt32(0))
    append(UInt32(0))
  }

  /// Overwrites every byte, for requests that hold keys. Reserve the room first: an array that grows leaves copies.
  public mutating func wipe() {
    // Safe: the array is written within its own length.
    unsafe bytes.withUnsafeMutableBytes { buffer in
      if let start = buffer.baseAddress { unsafe explicit_bzero(start, buffer.count) }
    }
  }

  /// Makes room for so many bytes.
  public mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// The number of bytes so far.
  public var count: Int { bytes.count }

  /// Appends an integer in the machine's order, for fixed parts and structures.
  public mutating func append<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
    let value = value.littleEndian
    for index in 0..<MemoryLayout<Value>.size { bytes.append(UInt8(truncatingIfNeeded: value >> Value(8 * index))) }
  }

  /// An attribute of bytes.
  public mutating func add(_ type: Int, _ value: some Collection<UInt8>) {
    let start = begin(type, isNest: false)
    bytes.append(contentsOf: value)
    end(start)
  }

  /// An attribute of an integer in the machine's order.
  public mutating func add<Value: FixedWidthInteger & UnsignedInteger>(_ type: Int, _ value: Value) {
    let start = begin(type, isNest: false)
    append(value)
    end(start)
  }

  /// An attribute of text with a NUL behind it.
  public mutating func add(_ type: Int, text: String) { add(type, Array(text.utf8) + [0]) }

  /// An attribute of an address in network order.
  public mutating func add(_ type: Int, _ address: IPAddress) { add(type, address.octets) }

  /// An attribute that holds what `body` adds.
  public mutating func nest(_ type: Int, _ body: (inout NetlinkRequest) -> Void) {
    let start = begin(type, isNest: true)
    body(&self)
    end(start)
  }

  /// Begins a nest whose end is not known yet; give the result to `end`.
  public mutating func begin(_ type: Int, isNest: Bool = true) -> Int {
    let start = bytes.count
    append(UInt16(0))
    append(UInt16(truncatingIfNeeded: type) | (isNest ? 0x8000 : 0))
    return start
  }

  /// Ends the attribute that began at `start`: writes its length and pads it.
  public mutating func end(_ start: Int) {
    let length = bytes.count - start
    if length > Int(UInt16.max) { isOverlong = true }
    write(UInt16(truncatingIfNeeded: length), at: start)
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  /// The finished message. Throws `netlink.too-long` when an attribute's length does not fit its 16 bits.
  func finished(flags: UInt16, sequence: UInt32) throws(Problem) -> [UInt8] {
    var copy = self
    try copy.finish(flags: flags, sequence: sequence)
    return copy.bytes
  }

  /// Writes what the header says of the whole message, in place: no copy of a key is made.
  mutating func finish(flags: UInt16, sequence: UInt32) throws(Problem) {
    guard !isOverlong else {
      throw .malformed("netlink.too-long", "an attribute has more than 65535 bytes", hint: "split the request")
    }
    write(UInt32(truncatingIfNeeded: bytes.count), at: 0)
    write((bytes[...].integer(UInt16.self, at: 6) ?? 0) | flags, at: 6)
    write(sequence, at: 8)
  }

  private mutating func write<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value, at offset: Int) {
    let value = value.littleEndian
    for index in 0..<MemoryLayout<Value>.size {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
    }
  }
}

extension NetlinkRequest {
  /// The message as a reader sees it: what unit tests compare, and what a second reader is given.
  ///
  /// Throws like sending it does.
  public func readBack() throws(Problem) -> NetlinkMessage {
    let messages = try NetlinkMessage.messages(in: try finished(flags: 0, sequence: 0))
    guard messages.count == 1, let message = messages.first else {
      throw .malformed("netlink.message", "a request is not one message")
    }
    return message
  }
}
