public import Attestation
public import Cryptography
public import Diagnostics
import StrictJSON
public import Wire

/// Which attestations an artifact needs, from whom, and how they belong together
/// (`documents/specs/supply-policy.md`).
public struct SupplyPolicy: Sendable {
  /// The media type of a signed policy.
  public static let payloadType = "application/vnd.rustynet.supply-policy.v1+json"
  static let type = "rustynet-supply-policy/v1"
  /// The largest number of requirements, and of joins.
  public static let limit = 64

  /// Whom a certificate must name.
  public struct Identity: Sendable {
    /// The name, exactly or as a pattern.
    public let name: NamePattern
    /// Who must have issued the identity, exactly.
    public let issuer: String
  }

  /// How many different principals of a role must have signed.
  public struct RoleThreshold: Sendable {
    /// The role in the trust file.
    public let role: Role
    /// At least 1; the trust file's own threshold holds besides.
    public let threshold: Int
  }

  /// An attestation that must be there.
  public struct Requirement: Sendable {
    /// Its name in joins, waivers and checks.
    public let id: String
    /// The exact type of the predicate.
    public let predicateType: String
    /// Whom the certificate must name: one of these.
    public let identities: [Identity]
    /// The roles whose principals must have signed: all of these.
    public let roles: [RoleThreshold]
    /// The largest age in seconds, where there is one.
    public let maximumAge: Int64?
    /// Whether the artifact must be a subject; otherwise a join must tie the attestation to one that has it.
    public let isAboutArtifact: Bool
    /// What a SLSA provenance must say.
    public let provenance: ProvenanceExpectation?
    /// What a verification summary must say.
    public let summary: SummaryExpectation?
  }

  /// What several attestations must have in common.
  public struct Join: Sendable {
    /// The kinds of joins.
    public enum Subject: String, Sendable, CaseIterable {
      /// The commit that was built or measured.
      case commit
      /// The run of the continuous integration service.
      case run
      /// A subject with equal digests.
      case subject
    }

    /// Its name in waivers and checks.
    public let id: String
    /// What is compared.
    public let on: Subject
    /// The requirements; at least two.
    public let requirements: [String]
  }

  /// A requirement or a join that need not hold for a while.
  public struct Waiver: Sendable {
    /// The id of the requirement or the join.
    public let subject: String
    /// Who answers for it.
    public let owner: String
    /// Why.
    public let reason: String
    /// The last second at which it counts.
    public let expires: Timestamp
  }

  /// Grows with every change.
  public let version: Int64
  /// When it was written.
  public let issued: Timestamp
  /// From then on it is refused.
  public let expires: Timestamp
  /// What must be there; at least one.
  public let requirements: [Requirement]
  /// What must belong together.
  public let joins: [Join]
  /// What need not hold for a while.
  public let waivers: [Waiver]
  /// SHA-256 of the canonical form.
  public let digest: Digest

  /// Reads a policy: closed objects, every reference resolved, nothing that could pass on nothing.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: 1 << 20)) { reader throws(Problem) in
      try SupplyPolicy(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("type", "version", "issued", "expires", "attestations", "joins", "waivers")
    let type = try reader.member("type").token()
    guard type.isExactly(SupplyPolicy.type) else {
      throw reader.problem("policy.type", "“\(type)” is not a supply policy that we read", source: "P1-15")
    }
    version = try reader.member("version").integer(in: 1...JSON.largestInteger)
    issued = try reader.member("issued").timestamp()
    expires = try reader.member("expires").timestamp()
    guard issued < expires else { throw reader.problem("policy.validity", "issued is not before expires") }
    requirements = try SupplyPolicy.requirements(try reader.member("attestations"))
    joins = try SupplyPolicy.joins(try reader.optional("joins"), requirements)
    waivers = try SupplyPolicy.waivers(try reader.optional("waivers"), requirements.map(\.id) + joins.map(\.id))
    digest = Digest(of: reader.value.canonical)
    try requireBound(reader)
  }

  /// Every attestation is about the artifact, or is tied by joins to one that is: any other would speak of anything.
  private func requireBound(_ reader: JSONReader) throws(Problem) {
    var bound = Set(requirements.filter(\.isAboutArtifact).map(\.id))
    var before = -1
    while bound.count != before {
      before = bound.count
      for join in joins where !bound.isDisjoint(with: join.requirements) { bound.formUnion(join.requirements) }
    }
    if let loose = requirements.first(where: { !bound.contains($0.id) }) {
      throw reader.problem("policy.unbound", "nothing ties “\(loose.id)” to the artifact", hint: "add a join")
    }
  }

  /// Refuses a policy that is not valid at `time`.
  public func requireValid(at time: Timestamp) throws(Problem) {
    guard issued <= time.adding(seconds: Freshness.futureTolerance) else {
      throw .refused("policy.future", "the policy was issued at \(issued), after \(time)")
    }
    guard time < expires else { throw .refused("policy.expired", "the policy expired at \(expires)") }
  }

  /// Reads a signed policy and judges it by the root of `trust`, as of `time`.
  public static func verified(_ envelope: Envelope, trust: TrustFile, at time: Timestamp) throws(Problem)
    -> SupplyPolicy
  {
    guard envelope.payloadType.isExactly(payloadType) else {
      throw .malformed("policy.payload-type", "this envelope holds no supply policy but \(envelope.payloadType)")
    }
    try trust.require(envelope, role: .root, at: time, for: trust.profile)
    let policy = try SupplyPolicy(parsing: envelope.payload)
    try policy.requireValid(at: time)
    return policy
  }

  /// The plain policy or the envelope in a file; nothing is verified.
  public static func document(parsing file: [UInt8]) throws(Problem) -> SignableDocument {
    try SignableDocument(parsing: file, payloadType: payloadType, kind: "policy", name: "supply policy")
  }
}
