import Diagnostics

/// A question as it is put to a resolver, and what its reply must look like to be believed (RFC 5452).
public struct UpstreamQuestion: Sendable, Equatable {
  /// What decides whether two clients ask the same: upstream, name in lower case, type, DO and CD.
  public struct Key: Hashable, Sendable {
    /// The name, in lower case.
    public let name: DomainName
    /// The type.
    public let type: RecordType
    /// DO and CD: answers differ by them.
    public let isDNSSECWanted, isCheckingDisabled: Bool
    /// Who is asked: what one resolver says of a name is nothing about names below it that are another's.
    public let upstream: Int

    /// The key of a question that a responder has just read from `bytes`.
    public init(_ query: Query, _ bytes: [UInt8], upstream: Int) {
      self.upstream = upstream
      name = DomainName(trusted: bytes[Size.header..<(Size.header + query.nameLength)].map(ASCII.lower))
      type = query.type
      isDNSSECWanted = query.isDNSSECWanted
      isCheckingDisabled = query.isCheckingDisabled
    }

    init(
      _ name: DomainName, _ type: RecordType, _ isDNSSECWanted: Bool, _ isCheckingDisabled: Bool, upstream: Int = 0
    ) {
      self.upstream = upstream
      self.name = name
      self.type = type
      self.isDNSSECWanted = isDNSSECWanted
      self.isCheckingDisabled = isCheckingDisabled
    }
  }

  /// What is asked.
  public let key: Key
  /// The identifier, random.
  public let id: UInt16
  /// The name with letters of random case, which a reply must repeat (draft-vixie-dnsext-dns0x20).
  public let name: DomainName

  /// A question; `random` gives the identifier and the case of each letter, and must not be guessable.
  public init(_ key: Key, mixesCase: Bool = true, random: inout some RandomNumberGenerator) {
    self.key = key
    id = UInt16.random(in: 0...UInt16.max, using: &random)
    guard mixesCase else {
      name = key.name
      return
    }
    var bits: UInt64 = 0
    var wire = key.name.wire
    for index in wire.indices {
      if index % 64 == 0 { bits = random.next() }
      // Length octets are no letters.
      if ASCII.isLetter(wire[index]), bits >> UInt64(index % 64) & 1 == 1 { wire[index] ^= 0x20 }
    }
    name = DomainName(trusted: wire)
  }

  /// The message to send. It holds nothing of the client's: no subnet, no cookie, no unknown option (RFC 7871, 11.1).
  ///
  /// On an encrypted transport it is padded to a multiple of 128 octets (RFC 8467, 4.1).
  public func encoded(over transport: Transport, hasEDNS: Bool = true) -> [UInt8] {
    var message = Message()
    message.id = id
    message.flags = Flag.recursionDesired | (key.isCheckingDisabled ? Flag.checkingDisabled : 0)
    // AD says that we understand it in the reply (RFC 6840, 5.7).
    message.flags |= Flag.authenticData
    message.questions = [Message.Question(name: name, type: key.type, recordClass: RecordClass.internet)]
    guard hasEDNS else { return message.encoded() }
    var options = Message.Record(
      name: .root, type: .opt, recordClass: UInt16(Size.datagram), lifetime: key.isDNSSECWanted ? 0x8000 : 0, data: [])
    if transport == .encrypted {
      let length = Size.header + name.wire.count + 4 + Size.opt + 4
      let padding = (128 - length % 128) % 128
      options.data = [0, UInt8(OptionCode.padding), 0, UInt8(padding)] + [UInt8](repeating: 0, count: padding)
    }
    message.options = options
    return message.encoded()
  }

  /// What a received message is.
  public enum Verdict: Sendable, Equatable {
    /// Not the reply to this question: somebody guesses, or it is late. It is ignored, and the wait goes on.
    case foreign
    /// The reply, but for the case of the name: asked again over a stream, where nobody can guess.
    case otherCase
    /// The reply is cut: asked again over a stream.
    case truncated
    /// The resolver does not know EDNS: asked again without.
    case withoutEDNS
    /// The resolver fails, refuses or writes nonsense: another one is asked.
    case failed(ExtendedError)
    /// The answer.
    case answer(StoredAnswer)
  }

  /// Judges a message that came where the reply to this question is expected; `ours` answers for names that are answered
  /// here, about which nobody else has a word.
  public func judge(
    _ bytes: [UInt8], isTrusted: Bool, ours: (DomainName, RecordType) -> Message? = { _, _ in nil }
  ) -> Verdict {
    guard bytes.count >= Size.header, bytes[0] == UInt8(id >> 8), bytes[1] == UInt8(truncatingIfNeeded: id) else {
      return .foreign
    }
    let message: Message
    do throws(Problem) { message = try Message(parsing: bytes) } catch {
      // The header says that it is ours; what cannot be read is no answer, and a forger gains nothing by it on a stream.
      return .failed(.invalidData)
    }
    guard message.flags & (Flag.response | Flag.opcode) == Flag.response else { return .foreign }
    if message.questions.isEmpty, message.code == ResponseCode.formatError.rawValue { return .withoutEDNS }
    guard message.questions.count == 1, let question = message.questions.first, question.name == name,
      question.type == key.type, question.recordClass == RecordClass.internet
    else { return .foreign }
    guard question.name.wire == name.wire else { return .otherCase }
    if message.flags & Flag.truncated != 0 { return .truncated }
    switch message.code {
    case ResponseCode.noError.rawValue, ResponseCode.nameError.rawValue:
      // A server that knows others who may know is no resolver.
      guard !message.isReferral else { return .failed(.noReachableAuthority) }
      return .answer(StoredAnswer(message.relevant(to: key, ours: ours), key: key, isTrusted: isTrusted))
    case ResponseCode.formatError.rawValue where message.options == nil: return .withoutEDNS
    default: return .failed(.noReachableAuthority)
    }
  }
}
