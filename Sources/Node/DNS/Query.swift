/// A question as it came, read in place: places and numbers alone, so that reading one allocates nothing.
public struct Query: Sendable {
  /// The identifier, which the reply repeats.
  public internal(set) var id: UInt16 = 0
  /// The second word of the header, as received.
  var flags: UInt16 = 0
  /// Octets of the name, which begins at 12; 0 where there is no question.
  public internal(set) var nameLength = 0
  /// The type that is asked for.
  public internal(set) var type = RecordType(rawValue: 0)
  /// The class that is asked for.
  var recordClass: UInt16 = 0
  /// Where the question ends: 12 without one.
  public internal(set) var questionEnd = Size.header
  /// What the OPT record says; nil without one.
  public internal(set) var edns: EDNS?

  /// What an OPT record says (RFC 6891, 6.1).
  public struct EDNS: Sendable {
    /// The payload that the sender takes, at least 512.
    var size = Size.plain
    var version: UInt8 = 0
    /// DNSSEC records are wanted (RFC 3225).
    var isDNSSECWanted = false
    /// Where the cookie option's data begins, and its octets: 0 without one (RFC 7873, 4).
    var cookieAt = 0
    var cookieLength = 0
    /// Options that are answered when they are asked for.
    var wantsNameServerID = false
    var wantsKeepalive = false
    var wantsPadding = false
  }

  /// Whether the sender wants recursion.
  public var isRecursionDesired: Bool { flags & Flag.recursionDesired != 0 }
  /// Whether the sender checks signatures itself (RFC 4035, 3.2.2).
  var isCheckingDisabled: Bool { flags & Flag.checkingDisabled != 0 }
  /// Whether the sender asked for DNSSEC records.
  var isDNSSECWanted: Bool { edns?.isDNSSECWanted ?? false }
  /// Whether AD means something to the sender (RFC 6840, 5.7).
  var understandsAuthentic: Bool { flags & Flag.authenticData != 0 || isDNSSECWanted }

  /// How reading ended.
  enum Verdict {
    /// No reply is due: too short, or a reply itself.
    case ignored
    /// Another operation than a query (RFC 8906, 3.1.4).
    case otherOperation
    /// The message cannot be read as a query.
    case malformed
    /// A query with one question.
    case question
    /// No question, but a cookie: a client asks for ours (RFC 7873, 5.4).
    case cookieOnly
  }

  /// Reads a message; what was understood before a fault stays, so that the reply can repeat it.
  mutating func read(_ bytes: Span<UInt8>) -> Verdict {
    self = Query()
    guard bytes.count >= Size.header else { return .ignored }
    id = bytes.word(0)
    flags = bytes.word(2)
    guard flags & Flag.response == 0 else { return .ignored }
    guard flags & Flag.opcode == 0 else { return .otherOperation }
    let questions = bytes.word(4)
    // One question at most (RFC 9619, 3); a query has no answers and no authorities.
    guard questions <= 1 else { return .malformed }
    if questions == 1 {
      guard readQuestion(bytes) else { return .malformed }
    }
    // A question about changes says in the authority section which version its sender has (RFC 1995, 3).
    let authorities = Int(bytes.word(8))
    guard bytes.word(6) == 0, authorities == 0 || type == .ixfr,
      readRecords(bytes, authorities: authorities, additional: Int(bytes.word(10)))
    else { return .malformed }
    if questions == 1 { return .question }
    return edns.map { $0.cookieLength > 0 } ?? false ? .cookieOnly : .malformed
  }

  private mutating func readQuestion(_ bytes: Span<UInt8>) -> Bool {
    var at = Size.header
    while true {
      guard at < bytes.count else { return false }
      let length = Int(bytes[at])
      // A first name has nothing before it that a pointer could mean.
      guard length <= DomainName.longestLabel else { return false }
      at += 1 + length
      if length == 0 { break }
    }
    guard at - Size.header <= DomainName.longest, at + 4 <= bytes.count else { return false }
    nameLength = at - Size.header
    type = RecordType(rawValue: bytes.word(at))
    recordClass = bytes.word(at + 2)
    questionEnd = at + 4
    return true
  }

  /// Looks for the OPT record among the additional ones; others are stepped over. Nothing may follow the last one.
  private mutating func readRecords(_ bytes: Span<UInt8>, authorities: Int, additional: Int) -> Bool {
    var at = questionEnd
    for index in 0..<(authorities + additional) {
      let owner = at
      guard let fixed = bytes.nameEnd(at), fixed + 10 <= bytes.count else { return false }
      let end = fixed + 10 + Int(bytes.word(fixed + 8))
      guard end <= bytes.count else { return false }
      if bytes.word(fixed) == RecordType.opt.rawValue {
        // One OPT at most, among the additional records, and its owner is the root (RFC 6891, 6.1.1, 6.1.2).
        guard index >= authorities, edns == nil, bytes[owner] == 0 else { return false }
        edns = EDNS()
        edns?.size = max(Size.plain, Int(bytes.word(fixed + 2)))
        edns?.version = bytes[fixed + 5]
        edns?.isDNSSECWanted = bytes[fixed + 6] & 0x80 != 0
        guard readOptions(bytes, from: fixed + 10, to: end) else { return false }
      }
      at = end
    }
    return at == bytes.count
  }

  private mutating func readOptions(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Bool {
    // The options of a later version are not ours to judge.
    guard let version = edns?.version, version == 0 else { return true }
    var at = start
    while at < end {
      guard at + 4 <= end else { return false }
      let length = Int(bytes.word(at + 2))
      guard at + 4 + length <= end else { return false }
      switch bytes.word(at) {
      case OptionCode.cookie:
        // Only the first counts; 8 octets, or 8 and a server's 8 to 32 (RFC 7873, 5.2.2).
        guard length == 8 || (16...40).contains(length) else { return false }
        if edns?.cookieLength == 0 {
          edns?.cookieAt = at + 4
          edns?.cookieLength = length
        }
      case OptionCode.nameServerID: edns?.wantsNameServerID = true
      case OptionCode.keepalive: edns?.wantsKeepalive = true
      case OptionCode.padding: edns?.wantsPadding = true
      // Unknown options, and those that ask for what we do not give, are ignored (RFC 6891, 6.1.2).
      default: break
      }
      at += 4 + length
    }
    return true
  }
}

extension Span<UInt8> {
  /// The 16-bit number at an offset, which must be in range: bounds are checked, and a fault would end the process.
  @inline(__always)
  func word(_ at: Int) -> UInt16 { UInt16(self[at]) << 8 | UInt16(self[at + 1]) }

  /// The offset behind a name that may end in a pointer; nil where it does not end within the bytes.
  func nameEnd(_ start: Int) -> Int? {
    var at = start
    while at < count {
      let octet = self[at]
      if octet == 0 { return at + 1 }
      if octet >= 0xc0 { return at + 2 <= count ? at + 2 : nil }
      guard octet <= 63, at - start < DomainName.longest else { return nil }
      at += 1 + Int(octet)
    }
    return nil
  }
}
