import Cryptography
import Diagnostics
import NetworkTypes
import Wire

/// Values of the configuration protocol, each with one spelling.
extension UAPILines.Line {
  /// A number without sign and leading zeros.
  func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(Problem) -> Number {
    let digits = value.utf8
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      digits.count == 1 || digits.first != UInt8(ascii: "0"), let number = Number(value)
    else { throw UAPI.value(key, line: self.number, "write a decimal number from 0 to \(Number.max)") }
    return number
  }

  /// The only value that a switch has.
  func expectTrue() throws(Problem) {
    guard value == "true" else { throw UAPI.value(key, line: number, "write \(key)=true, or leave the line out") }
  }

  /// Thirty-two bytes in lower-case hexadecimal.
  func keyBytes() throws(Problem) -> [UInt8] {
    guard value.utf8.count == 64, let bytes = try? Hex.decode(String(value)) else {
      throw UAPI.value(key, line: number, "write 64 lower-case hexadecimal digits")
    }
    return bytes
  }

  /// A secret of thirty-two bytes.
  func secret() throws(Problem) -> Key32 {
    var bytes = try keyBytes()
    guard let key = Key32(consuming: &bytes) else { preconditionFailure("internal error: a key of another length") }
    return key
  }

  func publicKey() throws(Problem) -> PublicKey {
    guard let key = PublicKey(try keyBytes()) else { preconditionFailure("internal error: a key of another length") }
    return key
  }

  /// An address and a port. The interface of a link-local address is a number, or a name that `interface` knows.
  func endpoint(_ interface: UAPI.InterfaceLookup) throws(Problem) -> Endpoint {
    var text = String(value)
    if let percent = value.firstIndex(of: "%"), let bracket = value.lastIndex(of: "]"), percent < bracket {
      let name = String(value[value.index(after: percent)..<bracket])
      if let number = UInt32(name) ?? interface(name) { text = "\(value[...percent])\(number)\(value[bracket...])" }
    }
    guard let endpoint = try? Endpoint(text), endpoint.port != 0 else {
      throw UAPI.value(
        key, line: number,
        "write 192.0.2.1:51820, [2001:db8::1]:51820 or [fe80::1%eth0]:51820")
    }
    return endpoint
  }

  /// A range, or `-` and a range to take it away. Bits behind the length are cleared, as every implementation does.
  func allowedAddress() throws(Problem) -> AllowedAddressChange {
    let removes = value.first == "-"
    guard let prefix = try? Prefix(removes ? value.dropFirst() : value, hostBits: .cleared) else {
      throw UAPI.value(key, line: number, "write 192.0.2.0/24 or 2001:db8::/32")
    }
    return AllowedAddressChange(prefix, removes: removes)
  }
}

extension UAPI {
  /// Lower-case hexadecimal of a secret, for a reply or a request alone.
  static func hex(_ key: Key32) -> String {
    // Safe: the key lends thirty-two bytes for the call.
    unsafe key.withBytes { bytes in
      unsafe Hex.encode(UnsafeBufferPointer(start: bytes, count: Key32.length))
    }
  }
}
