/// Numbers of the DNS protocol: what stands in the registries of IANA, "Domain Name System (DNS) Parameters".

/// A type of records; any 16-bit number is one (RFC 3597, 2).
public struct RecordType: RawRepresentable, Hashable, Sendable {
  /// The number on the wire.
  public let rawValue: UInt16
  /// The type with this number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  static let a = RecordType(rawValue: 1)
  static let ns = RecordType(rawValue: 2)
  static let cname = RecordType(rawValue: 5)
  static let soa = RecordType(rawValue: 6)
  static let ptr = RecordType(rawValue: 12)
  static let aaaa = RecordType(rawValue: 28)
  static let dname = RecordType(rawValue: 39)
  static let ds = RecordType(rawValue: 43)
  static let rrsig = RecordType(rawValue: 46)
  static let nsec = RecordType(rawValue: 47)
  static let dnskey = RecordType(rawValue: 48)
  static let nsec3 = RecordType(rawValue: 50)
  static let opt = RecordType(rawValue: 41)
  static let svcb = RecordType(rawValue: 64)
  static let https = RecordType(rawValue: 65)
  static let tkey = RecordType(rawValue: 249)
  static let tsig = RecordType(rawValue: 250)
  static let ixfr = RecordType(rawValue: 251)
  static let axfr = RecordType(rawValue: 252)
  static let any = RecordType(rawValue: 255)
}

/// Classes of records (RFC 1035, 3.2.4).
enum RecordClass {
  static let internet: UInt16 = 1
}

/// Response codes; those above 15 need an OPT record (RFC 6891, 6.1.3).
public enum ResponseCode: UInt16, Sendable {
  case noError = 0
  case formatError = 1
  case serverFailure = 2
  case nameError = 3
  case notImplemented = 4
  case refused = 5
  case notAuthoritative = 9
  case badVersion = 16
  case badCookie = 23
}

/// The bits of the second word of a header (RFC 1035, 4.1.1; RFC 4035, 3.2).
enum Flag {
  static let response: UInt16 = 0x8000
  static let opcode: UInt16 = 0x7800
  static let authoritative: UInt16 = 0x0400
  static let truncated: UInt16 = 0x0200
  static let recursionDesired: UInt16 = 0x0100
  static let recursionAvailable: UInt16 = 0x0080
  static let authenticData: UInt16 = 0x0020
  static let checkingDisabled: UInt16 = 0x0010
  static let code: UInt16 = 0x000f
}

/// EDNS options that are read or written here.
enum OptionCode {
  static let nameServerID: UInt16 = 3
  static let clientSubnet: UInt16 = 8
  static let cookie: UInt16 = 10
  static let keepalive: UInt16 = 11
  static let padding: UInt16 = 12
  static let extendedError: UInt16 = 15
}

/// Extended DNS errors (RFC 8914, 5.2) that we give.
public enum ExtendedError: UInt16, Sendable {
  case staleAnswer = 3
  case cachedError = 13
  case notReady = 14
  case blocked = 15
  case prohibited = 18
  case notAuthoritative = 20
  case notSupported = 21
  case noReachableAuthority = 22
  case networkError = 23
  case invalidData = 24
  case synthesized = 29
}

/// Sizes in octets.
enum Size {
  static let header = 12
  /// The largest UDP payload without EDNS (RFC 1035, 2.3.4).
  static let plain = 512
  /// The largest UDP payload that we send or ask for: no fragment on any usual path (RFC 9715, 3.2).
  static let datagram = 1232
  /// The largest message, the limit of TCP's length prefix (RFC 1035, 4.2.2).
  static let message = 65_535
  /// An OPT record without options.
  static let opt = 11
}

/// How a message came.
public enum Transport: Sendable {
  /// A datagram: sizes are limited, and its source may be forged.
  case datagram
  /// TCP: the source has answered, so it is who it says.
  case stream
  /// TLS: as TCP, and sizes leak nothing when they are padded (RFC 8467).
  case encrypted
}
