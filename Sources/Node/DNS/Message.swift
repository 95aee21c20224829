public import Diagnostics

/// A whole message with its names decompressed: what is received from resolvers is read into one and written anew, so
/// that nothing malformed passes through us.
public struct Message: Sendable, Equatable {
  /// What is asked.
  public struct Question: Sendable, Equatable {
    /// The name that is asked for.
    public var name: DomainName
    /// The type that is asked for.
    public var type: RecordType
    /// The class; 1 is the internet.
    public var recordClass: UInt16
  }

  /// A record.
  public struct Record: Sendable, Equatable {
    /// The owner.
    public var name: DomainName
    /// The type, which says what the data is.
    public var type: RecordType
    /// The class; the OPT record has a size here.
    public var recordClass: UInt16
    /// Seconds; the OPT record has flags here.
    public var lifetime: UInt32
    /// The data, names within it uncompressed.
    public var data: [UInt8]
  }

  /// The identifier.
  public var id: UInt16 = 0
  /// The second word of the header.
  public var flags: UInt16 = 0
  /// The questions; more than one is read, and answered by nobody.
  public var questions: [Question] = []
  /// The answer section.
  public var answers: [Record] = []
  /// The authority section.
  public var authorities: [Record] = []
  /// Without the OPT record.
  public var additional: [Record] = []
  /// The OPT record; one at most, in the additional section, owned by the root (RFC 6891, 6.1.1).
  public var options: Record?

  /// An empty message.
  public init() {}

  /// The response code with the bits that the OPT record holds.
  public var code: UInt16 { flags & Flag.code | UInt16(options.map { $0.lifetime >> 24 } ?? 0) << 4 }

  /// The options of the OPT record; nil where its data is malformed.
  public var optionList: [(code: UInt16, data: ArraySlice<UInt8>)]? {
    guard let data = options?.data else { return [] }
    var list: [(UInt16, ArraySlice<UInt8>)] = []
    var at = 0
    while at < data.count {
      guard at + 4 <= data.count else { return nil }
      let end = at + 4 + (Int(data[at + 2]) << 8 | Int(data[at + 3]))
      guard end <= data.count else { return nil }
      list.append((UInt16(data[at]) << 8 | UInt16(data[at + 1]), data[(at + 4)..<end]))
      at = end
    }
    return list
  }

  /// Reads a message of at most 65,535 octets; nothing may follow it.
  ///
  /// Throws `dns.message`, with the offset as its place, for anything that RFC 1035, 4 does not allow.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    var reader = MessageReader(bytes: bytes)
    self = try reader.message()
  }
}

/// Reads a message from left to right.
struct MessageReader {
  let bytes: [UInt8]
  var at = 0
  /// No server writes a pointer to a pointer to a pointer; many names that share a long chain would be slow to read.
  private static let jumpLimit = 16

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func message() throws(Problem) -> Message {
    guard bytes.count <= Size.message else { throw problem("the message has \(bytes.count) octets") }
    var message = Message()
    message.id = try word()
    message.flags = try word()
    let counts = [try word(), try word(), try word(), try word()]
    for _ in 0..<counts[0] {
      message.questions.append(
        Message.Question(name: try name(), type: RecordType(rawValue: try word()), recordClass: try word()))
    }
    for _ in 0..<counts[1] { message.answers.append(try record()) }
    for _ in 0..<counts[2] { message.authorities.append(try record()) }
    for _ in 0..<counts[3] { message.additional.append(try record()) }
    guard at == bytes.count else { throw problem("octets follow the message") }
    try takeOptions(&message)
    return message
  }

  private func takeOptions(_ message: inout Message) throws(Problem) {
    guard !(message.answers + message.authorities).contains(where: { $0.type == .opt }) else {
      throw problem("an OPT record stands outside the additional section")
    }
    let found = message.additional.filter { $0.type == .opt }
    guard let options = found.first else { return }
    guard found.count == 1, options.name == .root else { throw problem("more than one OPT record, or not the root's") }
    message.options = options
    message.additional.removeAll { $0.type == .opt }
    guard message.optionList != nil else { throw problem("an option is longer than the OPT record") }
  }

  private mutating func record() throws(Problem) -> Message.Record {
    let name = try name()
    let type = RecordType(rawValue: try word())
    let recordClass = try word()
    let seconds = UInt32(try word()) << 16 | UInt32(try word())
    // A lifetime with the highest bit set is none (RFC 2181, 8); the OPT record has flags here.
    let lifetime = seconds > 0x7fff_ffff && type != .opt ? 0 : seconds
    let end = Int(try word()) + at
    guard end <= bytes.count else { throw problem("a record is longer than the message") }
    let data = try data(type, recordClass, to: end)
    guard at == end else { throw problem("the data of a record has another length than it says") }
    return Message.Record(name: name, type: type, recordClass: recordClass, lifetime: lifetime, data: data)
  }

  private mutating func data(_ type: RecordType, _ recordClass: UInt16, to end: Int) throws(Problem) -> [UInt8] {
    var data: [UInt8] = []
    for part in RecordLayout.parts(type, recordClass) ?? [.rest] {
      switch part {
      case .octets(let count): data += try take(count, to: end)
      case .name: data += try name(to: end).wire
      case .wholeName: data += try name(to: end, isCompressible: false).wire
      case .string: data += try string(to: end)
      case .strings: repeat { data += try string(to: end) } while at < end
      case .rest: data += try take(end - at, to: end)
      }
    }
    return data
  }

  private mutating func string(to end: Int) throws(Problem) -> ArraySlice<UInt8> {
    guard at < end else { throw problem("a string is missing") }
    return try take(1 + Int(bytes[at]), to: end)
  }

  private mutating func take(_ count: Int, to end: Int) throws(Problem) -> ArraySlice<UInt8> {
    guard at + count <= end else { throw problem("the data of a record is too short") }
    at += count
    return bytes[(at - count)..<at]
  }

  private mutating func word() throws(Problem) -> UInt16 {
    guard at + 2 <= bytes.count else { throw problem("the message ends within a number") }
    at += 2
    return UInt16(bytes[at - 2]) << 8 | UInt16(bytes[at - 1])
  }

  /// Reads a name; what is not behind a pointer must end before `end`.
  ///
  /// A pointer leads to labels that end before the labels that led to it begin, so each jump goes further back, nothing
  /// loops, and a name ends after 255 octets at the latest (RFC 1035, 4.1.4).
  mutating func name(to end: Int? = nil, isCompressible: Bool = true) throws(Problem) -> DomainName {
    var wire: [UInt8] = []
    var place = at
    var start = at
    var end = end ?? bytes.count
    var isBehindPointer = false
    var jumps = 0
    while true {
      guard place < end else { throw problem("a name does not end") }
      let octet = Int(bytes[place])
      if octet <= DomainName.longestLabel {
        guard place + 1 + octet <= end else { throw problem("a label is cut off") }
        guard wire.count + 1 + octet <= DomainName.longest else { throw problem("a name has more than 255 octets") }
        wire += bytes[place...(place + octet)]
        place += 1 + octet
        if !isBehindPointer { at = place }
        if octet == 0 { return DomainName(trusted: wire) }
      } else {
        guard octet >= 0xc0, isCompressible, place + 2 <= end else { throw problem("no label") }
        let target = (octet & 0x3f) << 8 | Int(bytes[place + 1])
        guard target < start else { throw problem("a pointer does not point back") }
        jumps += 1
        guard jumps <= MessageReader.jumpLimit else { throw problem("a name has more than 16 pointers") }
        if !isBehindPointer { at = place + 2 }
        isBehindPointer = true
        place = target
        end = start
        start = target
      }
    }
  }

  private func problem(_ message: String) -> Problem {
    .malformed("dns.message", message, place: "octet \(at)", source: "RFC 1035, 4")
  }
}
