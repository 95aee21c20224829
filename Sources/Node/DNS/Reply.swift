import NetworkTypes

/// One reply while it is written: header and question, records, and at the end the OPT record.
struct Reply {
  let query: Query
  let transport: Transport
  let source: IPAddress
  let time: UInt32
  var writer = ReplyWriter()
  /// Further bits of the header.
  var flags: UInt16 = 0
  /// Why an answer is as it is; told to those who understand EDNS.
  var error: ExtendedError?
  /// The code's upper bits, which the OPT record holds.
  private var codeAbove: UInt8 = 0
  private let limit: Int

  init(_ query: Query, _ bytes: Span<UInt8>, _ transport: Transport, _ source: IPAddress, _ time: UInt32) {
    self.query = query
    self.transport = transport
    self.source = source
    self.time = time
    limit =
      transport == .datagram ? min(Size.datagram, max(Size.plain, query.edns?.size ?? Size.plain)) : Size.message
  }

  /// A header alone, with nothing of the request but its identifier and operation (RFC 8906, 3.1.4).
  mutating func writeHeaderOnly(_ code: ResponseCode, _ out: inout MutableSpan<UInt8>) -> Int {
    writer.word(query.id, &out)
    writer.word(Flag.response | query.flags & Flag.opcode | code.rawValue, &out)
    writer.long(0, &out)
    writer.long(0, &out)
    return writer.at
  }

  /// Header and question. RD and CD come back as they were sent, CD only where a resolver answers (RFC 4035, 3.1.6, 3.2.2).
  mutating func begin(_ code: ResponseCode, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>) {
    writer.at = 0
    codeAbove = UInt8(truncatingIfNeeded: code.rawValue >> 4)
    writer.word(query.id, &out)
    writer.word(
      Flag.response | flags | query.flags & Flag.recursionDesired | code.rawValue & Flag.code, &out)
    writer.word(query.nameLength > 0 ? 1 : 0, &out)
    writer.word(0, &out)
    writer.long(0, &out)
    writer.copy(bytes, Size.header..<query.questionEnd, &out)
  }

  /// Whether so many octets of records have room before the OPT record.
  func fits(_ count: Int) -> Bool { writer.at + count + optLength <= limit }

  /// Takes the records out and says that there are some (RFC 2181, 9).
  mutating func truncate(_ out: inout MutableSpan<UInt8>) {
    writer.at = query.questionEnd
    for place in 6..<Size.header { out[place] = 0 }
    out[2] |= UInt8(Flag.truncated >> 8)
  }

  /// Octets of the OPT record without padding; 0 where none was received (RFC 6891, 6.1.1).
  private var optLength: Int {
    guard let edns = query.edns else { return 0 }
    // The identity of the server has at most 64 octets: that is checked when it is read.
    return Size.opt + (edns.cookieLength > 0 ? 28 : 0) + (error == nil ? 0 : 6) + (edns.wantsNameServerID ? 68 : 0)
      + (edns.wantsKeepalive ? 6 : 0)
  }

  /// Writes the OPT record, and returns the length of the whole reply.
  mutating func end(_ responder: borrowing Responder, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>) -> Int {
    if responder.isRecursive { out[3] |= UInt8(Flag.recursionAvailable) }
    guard let edns = query.edns else { return writer.at }
    writer.byte(0, &out)
    writer.word(RecordType.opt.rawValue, &out)
    writer.word(UInt16(Size.datagram), &out)
    writer.byte(codeAbove, &out)
    writer.byte(0, &out)
    // DO comes back as it was (RFC 3225, 3); the other bits are reserved, so they are not.
    writer.word(edns.isDNSSECWanted ? 0x8000 : 0, &out)
    let lengthAt = writer.at
    writer.word(0, &out)
    if edns.version == 0 { writeOptions(edns, responder, bytes, &out) }
    writer.patch(UInt16(writer.at - lengthAt - 2), at: lengthAt, &out)
    let additional = UInt16(out[10]) << 8 | UInt16(out[11])
    writer.patch(additional + 1, at: 10, &out)
    return writer.at
  }

  private mutating func writeOptions(
    _ edns: Query.EDNS, _ responder: borrowing Responder, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>
  ) {
    if edns.cookieLength > 0 { writeCookie(edns, responder, bytes, &out) }
    if let error {
      writer.word(OptionCode.extendedError, &out)
      writer.word(2, &out)
      writer.word(error.rawValue, &out)
    }
    if edns.wantsNameServerID, !responder.serverID.isEmpty {
      writer.word(OptionCode.nameServerID, &out)
      writer.word(UInt16(responder.serverID.count), &out)
      writer.copy(responder.serverID, 0..<responder.serverID.count, &out)
    }
    if edns.wantsKeepalive, transport != .datagram {
      writer.word(OptionCode.keepalive, &out)
      writer.word(2, &out)
      writer.word(responder.keepalive, &out)
    }
    if edns.wantsPadding, transport == .encrypted {
      // Blocks of 468 octets for replies (RFC 8467, 4.1), as far as there is room.
      let padding = min((468 - (writer.at + 4) % 468) % 468, limit - writer.at - 4)
      guard padding >= 0 else { return }
      writer.word(OptionCode.padding, &out)
      writer.word(UInt16(padding), &out)
      for _ in 0..<padding { writer.byte(0, &out) }
    }
  }

  /// The client's cookie, and ours: the one that it brought while that is young (RFC 9018, 4.3), else a new one.
  private mutating func writeCookie(
    _ edns: Query.EDNS, _ responder: borrowing Responder, _ bytes: Span<UInt8>, _ out: inout MutableSpan<UInt8>
  ) {
    let start = edns.cookieAt
    writer.word(OptionCode.cookie, &out)
    writer.word(24, &out)
    if responder.cookies.isValid(bytes, at: start, length: edns.cookieLength, source: source, now: time),
      Int32(bitPattern: time &- (UInt32(bytes.word(start + 12)) << 16 | UInt32(bytes.word(start + 14)))) < 1800
    {
      writer.copy(bytes, start..<(start + 24), &out)
      return
    }
    writer.copy(bytes, start..<(start + 8), &out)
    writer.long(0x0100_0000, &out)
    writer.long(time, &out)
    let tag = responder.cookies.tag(client: CookieJar.long(bytes, start), time: time, source: source)
    writer.long(UInt32(truncatingIfNeeded: tag >> 32), &out)
    writer.long(UInt32(truncatingIfNeeded: tag), &out)
  }
}
