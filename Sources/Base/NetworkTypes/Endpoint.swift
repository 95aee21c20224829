public import Diagnostics

/// Where a UDP or TCP peer is: address, port and, for link-local IPv6, the interface.
public struct Endpoint: Hashable, Sendable {
  /// The address.
  public let address: IPAddress
  /// The port, 0 to 65535; 0 only where "any" has a meaning.
  public let port: UInt16
  /// The interface index of a link-local IPv6 address, else 0 (RFC 4007, 6).
  public let scope: UInt32

  /// An endpoint of its parts.
  public init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
    self.address = address
    self.port = port
    self.scope = scope
  }

  /// Reads `192.0.2.1:51820` or `[2001:db8::1]:51820` (RFC 5952, 6); `[fe80::1%2]:51820` carries a scope as a number.
  ///
  /// Throws `network.endpoint`; a name is refused, for nothing here resolves names.
  public init(_ text: some StringProtocol) throws(Problem) {
    guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
      throw Self.problem(text)
    }
    var host = text[..<colon]
    var scope: UInt32 = 0
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed { host = host.dropFirst().dropLast() }
    if isBracketed, let percent = host.firstIndex(of: "%") {
      guard let number = UInt32(host[host.index(after: percent)...]) else { throw Self.problem(text) }
      scope = number
      host = host[..<percent]
    }
    let address: IPAddress
    do throws(Problem) { address = try IPAddress(host) } catch { throw Self.problem(text) }
    guard (address.family == .v6) == isBracketed else { throw Self.problem(text) }
    self.init(address, port: port, scope: scope)
  }

  private static func port(_ text: some StringProtocol) -> UInt16? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return UInt16(text)
  }

  private static func problem(_ text: some StringProtocol) -> Problem {
    .malformed(
      "network.endpoint", "\"\(text)\" is not an address and a port", source: "RFC 5952, 6",
      hint: "write 192.0.2.1:51820 or [2001:db8::1]:51820")
  }
}

extension Endpoint: CustomStringConvertible {
  /// The form that `init(_:)` reads.
  public var description: String {
    switch address {
    case .v4: "\(address):\(port)"
    case .v6: scope == 0 ? "[\(address)]:\(port)" : "[\(address)%\(scope)]:\(port)"
    }
  }
}
