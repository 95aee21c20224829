public import Cryptography
public import Diagnostics
public import StrictJSON
import Wire

/// What an attestation speaks of: a name, which is a label only, and digests, which decide.
public struct Subject: Sendable, Equatable {
  /// An identifier under a name that is no hash of ours, such as `gitCommit` or `gce_image_id`.
  public struct Identifier: Sendable, Equatable {
    /// Its name in the digest set.
    public let name: String
    /// Its value, as it stands.
    public let value: String

    /// An identifier.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A label; it decides nothing and is no path.
  public let name: String
  /// The digests of algorithms that we accept; at least one unless `identifiers` were asked for.
  public let digests: [Digest]
  /// What else stands in the digest set. It never makes `matches` true.
  public let identifiers: [Identifier]

  /// A subject with these digests.
  public init(name: String, digests: [Digest], identifiers: [Identifier] = []) {
    self.name = name
    self.digests = digests
    self.identifiers = identifiers
  }

  /// Reads a resource descriptor; digests of algorithms that we do not accept are kept as identifiers.
  ///
  /// - Parameter allowsIdentifiersOnly: whether a subject without any accepted digest is read all the same; malformed
  ///   otherwise.
  public init(_ reader: JSONReader, allowsIdentifiersOnly: Bool = false) throws(Problem) {
    name = try reader.optional("name")?.text(atMost: 4096) ?? ""
    var digests: [Digest] = []
    var identifiers: [Identifier] = []
    for (key, value) in try reader.member("digest").members(atMost: 32) {
      guard let algorithm = HashAlgorithm.allCases.first(where: { $0.rawValue.isExactly(key) }) else {
        if let text = try? value.token(atMost: 512) { identifiers.append(Identifier(name: key, value: text)) }
        continue
      }
      digests.append(try Digest(algorithm, bytes: try value.hex(count: algorithm.length)))
    }
    guard !digests.isEmpty || (allowsIdentifiersOnly && !identifiers.isEmpty) else {
      throw reader.problem(
        "subject.no-digest", "the subject has no digest of an accepted algorithm", source: "in-toto Statement v1",
        hint: "sha256, sha384 and sha512 are accepted")
    }
    self.digests = digests
    self.identifiers = identifiers
  }

  /// Whether every digest here that `found` can be compared with agrees; at least one must be comparable.
  ///
  /// All must agree, so that a weak algorithm beside a strong one cannot be used to swap the artifact.
  public func matches(_ found: [Digest]) -> Bool {
    var compared = false
    for digest in digests {
      guard let other = found.first(where: { $0.algorithm == digest.algorithm }) else { continue }
      guard other == digest else { return false }
      compared = true
    }
    return compared
  }

  /// The subject as JSON.
  public var json: JSON {
    var set = JSONObject()
    for digest in digests { set[digest.algorithm.rawValue] = .string(digest.hex) }
    return ["name": .string(name), "digest": .object(set)]
  }
}

/// An in-toto Statement: subjects, and a predicate about them.
public struct Statement: Sendable {
  /// The type that we write.
  public static let type = "https://in-toto.io/Statement/v1"
  /// The earlier type, which is read too.
  public static let earlierType = "https://in-toto.io/Statement/v0.1"
  /// The largest number of subjects.
  public static let subjectLimit = 1024

  /// What it speaks of; at least one.
  public let subjects: [Subject]
  /// The type of the predicate, compared exactly.
  public let predicateType: String
  /// The predicate, to be read by whoever knows its type.
  public let predicate: JSON

  /// A statement.
  public init(subjects: [Subject], predicateType: String, predicate: JSON) {
    self.subjects = subjects
    self.predicateType = predicateType
    self.predicate = predicate
  }

  /// Reads the payload of an envelope, after its signatures have been verified over the same bytes.
  ///
  /// - Parameter allowsIdentifiersOnly: whether subjects without a digest that we accept are read, for the statements
  ///   of others: they match no artifact, but what else the statement says can be judged and explained.
  public init(parsing bytes: [UInt8], allowsIdentifiersOnly: Bool = false) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: 32 << 20)) { reader throws(Problem) in
      let type = try reader.member("_type").text(atMost: 256)
      guard type.isExactly(Statement.type) || type.isExactly(Statement.earlierType) else {
        throw reader.problem(
          "statement.type", "“\(type)” is not a Statement that we read", source: "in-toto Statement v1")
      }
      var subjects: [Subject] = []
      for subject in try reader.member("subject").elements(atMost: Statement.subjectLimit) {
        subjects.append(try Subject(subject, allowsIdentifiersOnly: allowsIdentifiersOnly))
      }
      guard !subjects.isEmpty else { throw reader.problem("statement.no-subject", "the statement has no subject") }
      let predicate = try Statement.predicate(reader, mayBeAbsent: allowsIdentifiersOnly)
      return Statement(
        subjects: subjects, predicateType: try reader.member("predicateType").token(), predicate: predicate)
    }
  }

  /// The predicate, an object; in statements of others it may be absent or null (in-toto Statement v1).
  private static func predicate(_ reader: JSONReader, mayBeAbsent: Bool) throws(Problem) -> JSON {
    if mayBeAbsent {
      guard let predicate = try reader.optional("predicate"), predicate.value != .null else { return [:] }
    }
    let predicate = try reader.member("predicate")
    _ = try predicate.object()
    return predicate.value
  }

  /// The statement as JSON.
  public var json: JSON {
    [
      "_type": .string(Statement.type), "subject": .array(subjects.map(\.json)),
      "predicateType": .string(predicateType), "predicate": predicate,
    ]
  }

  /// An envelope around the canonical form of this statement.
  public func signed(by keys: [Ed25519.SigningKey]) -> Envelope {
    Envelope(payloadType: Envelope.statementType, payload: json.canonical, signedBy: keys)
  }

  /// The Statement as an envelope signed by keys that may be anywhere.
  public func signed(by keys: [any Signer]) throws(Problem) -> Envelope {
    try Envelope(payloadType: Envelope.statementType, payload: json.canonical, signedBy: keys)
  }
}
