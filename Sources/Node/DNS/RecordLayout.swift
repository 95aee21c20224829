/// What the data of a type consists of, as far as the codec must know it: names may be compressed, sizes are fixed.
enum RecordLayout {
  /// A part of a record's data.
  enum Part: Sendable {
    /// So many octets.
    case octets(Int)
    /// A name, perhaps compressed.
    case name
    /// A name that nobody may compress: its type is younger than RFC 1035, and not in the list of RFC 3597, 4.
    case wholeName
    /// Octets with their length in one octet before them (RFC 1035, 3.3).
    case string
    /// One or more strings up to the end.
    case strings
    /// Anything up to the end.
    case rest
  }

  /// The parts of a type's data; nil where it is taken as it is (RFC 3597, 3).
  ///
  /// Names are decompressed in the types of RFC 1035, and in those for which RFC 3597, 4 asks receivers to.
  static func parts(_ type: RecordType, _ recordClass: UInt16) -> [Part]? {
    switch type.rawValue {
    case 2, 3, 4, 5, 7, 8, 9, 12: [.name]  // NS MD MF CNAME MB MG MR PTR
    case 39: [.wholeName]  // DNAME
    case 6: [.name, .name, .octets(20)]  // SOA
    case 14, 17: [.name, .name]  // MINFO RP
    case 15, 18, 21: [.octets(2), .name]  // MX AFSDB RT
    case 13: [.string, .string]  // HINFO
    case 16, 99: [.strings]  // TXT SPF
    case 46: [.octets(18), .wholeName, .rest]  // RRSIG
    case 1 where recordClass == RecordClass.internet: [.octets(4)]  // A
    case 28 where recordClass == RecordClass.internet: [.octets(16)]  // AAAA
    case 33 where recordClass == RecordClass.internet: [.octets(6), .name]  // SRV
    case 36 where recordClass == RecordClass.internet: [.octets(2), .wholeName]  // KX
    case 26 where recordClass == RecordClass.internet: [.octets(2), .name, .name]  // PX
    case 35 where recordClass == RecordClass.internet: [.octets(4), .string, .string, .string, .name]  // NAPTR
    default: nil
    }
  }

  /// Whether names in the data may be compressed by a sender: those of RFC 1035 alone (RFC 3597, 4).
  static func isCompressible(_ type: RecordType) -> Bool {
    [2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15].contains(type.rawValue)
  }
}
