public import Cryptography
public import Diagnostics
import StrictJSON
public import Wire

/// What a release must show: the gates with their exact definitions, every threshold, and what may be deferred
/// (`documents/specs/release-policy.md`). Thresholds stand here and nowhere else (R2).
public struct ReleasePolicy: Sendable {
  /// The media type of a signed release policy.
  public static let payloadType = "application/vnd.rustynet.release-policy.v1+json"
  static let type = "rustynet-release-policy/v1"

  /// A gate that must pass, with the SHA-256 of its definition, so that a changed gate is another policy.
  public struct RequiredGate: Sendable, Equatable {
    /// The gate's id.
    public let id: String
    /// SHA-256 of its YAML file.
    public let definition: Digest
  }

  /// A requirement that this profile puts off.
  public struct Deferral: Sendable, Equatable {
    /// The requirement id.
    public let requirement: String
    /// The gate that therefore is not run.
    public let gate: String
    /// Why.
    public let reason: String
    /// Who answers for it.
    public let owner: String
    /// The last second at which it counts.
    public let expires: Timestamp
  }

  /// A dependency that may be used, by its package URL without a version.
  public struct AllowedDependency: Sendable, Equatable {
    /// Such as `pkg:swift/github.com/apple/swift-log`.
    public let purl: String
    /// Its licence as an SPDX expression.
    public let licence: String
  }

  /// Grows with every change; a lower one than seen before is refused.
  public let version: Int64
  /// When it was written.
  public let issued: Timestamp
  /// From then on it is refused.
  public let expires: Timestamp
  /// What it is for.
  public let profile: Profile
  /// The names of the binaries that make up a release; no fewer and no more are released.
  public let subjects: [String]
  /// The gates that must pass, in the order of the verdict.
  public let gates: [RequiredGate]
  /// What is put off; the release profile permits none.
  public let deferred: [Deferral]
  /// Every number that a gate compares with, by name.
  public let limits: [String: Int64]
  /// The builders whose provenance is accepted.
  public let builders: [String]
  /// The source repositories that are accepted.
  public let sources: [String]
  /// The build types that are accepted.
  public let buildTypes: [String]
  /// The dependencies that are accepted.
  public let dependencies: [AllowedDependency]
  /// SHA-256 of the canonical form, by which the preview policy is pinned.
  public let digest: Digest

  /// Reads a policy; its digest is over the canonical form, so that layout does not count.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: 1 << 20)) { reader throws(Problem) in
      try ReleasePolicy(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    try reader.closed(
      "type", "version", "issued", "expires", "profile", "subjects", "gates", "deferred", "limits", "provenance",
      "dependencies")
    let type = try reader.member("type").token()
    guard type == ReleasePolicy.type else {
      throw reader.problem("policy.type", "“\(type)” is not a release policy that we read", source: "P1-15")
    }
    version = try reader.member("version").integer(in: 1...JSON.largestInteger)
    issued = try reader.member("issued").timestamp()
    expires = try reader.member("expires").timestamp()
    profile = try reader.member("profile").choice(Profile.self)
    subjects = try reader.member("subjects").tokens(atMost: 64)
    guard !subjects.isEmpty else { throw reader.problem("policy.no-subject", "the policy names no binary") }
    gates = try ReleasePolicy.gates(try reader.member("gates"))
    deferred = try ReleasePolicy.deferrals(try reader.member("deferred"), profile: profile)
    limits = try ReleasePolicy.limits(try reader.member("limits"))
    let provenance = try reader.member("provenance")
    try provenance.closed("builders", "sources", "buildTypes")
    builders = try provenance.member("builders").tokens(atMost: 64)
    sources = try provenance.member("sources").tokens(atMost: 64)
    buildTypes = try provenance.member("buildTypes").tokens(atMost: 64)
    dependencies = try ReleasePolicy.dependencies(try reader.member("dependencies"))
    digest = Digest(of: reader.value.canonical)
    guard issued < expires else { throw reader.problem("policy.validity", "issued is not before expires") }
    for deferral in deferred where !gates.contains(where: { $0.id == deferral.gate }) {
      throw reader.problem("policy.deferral", "the deferral of \(deferral.requirement) names no required gate")
    }
  }

  private static func gates(_ reader: JSONReader) throws(Problem) -> [RequiredGate] {
    var gates: [RequiredGate] = []
    for element in try reader.elements(atMost: 256) {
      try element.closed("id", "definition")
      let id = try element.member("id").token(atMost: 64)
      guard !gates.contains(where: { $0.id == id }) else {
        throw element.problem("policy.duplicate-gate", "the gate “\(id)” stands twice")
      }
      gates.append(RequiredGate(id: id, definition: try element.member("definition").digest()))
    }
    // An empty set would pass on nothing (V26).
    guard !gates.isEmpty else { throw reader.problem("policy.no-gate", "the policy requires no gate") }
    return gates
  }

  private static func deferrals(_ reader: JSONReader, profile: Profile) throws(Problem) -> [Deferral] {
    var deferrals: [Deferral] = []
    for element in try reader.elements(atMost: 256) {
      try element.closed("requirement", "gate", "reason", "owner", "expires")
      deferrals.append(
        Deferral(
          requirement: try element.member("requirement").token(atMost: 64),
          gate: try element.member("gate").token(atMost: 64), reason: try element.member("reason").text(),
          owner: try element.member("owner").token(atMost: 128), expires: try element.member("expires").timestamp()))
    }
    guard deferrals.isEmpty || profile == .preview else {
      throw reader.problem("policy.deferral", "the release profile permits no deferral", source: "documents/rules.md")
    }
    return deferrals
  }

  private static func limits(_ reader: JSONReader) throws(Problem) -> [String: Int64] {
    var limits: [String: Int64] = [:]
    for (name, value) in try reader.members(atMost: 256) { limits[name] = try value.integer(in: 0...1_000_000_000) }
    return limits
  }

  private static func dependencies(_ reader: JSONReader) throws(Problem) -> [AllowedDependency] {
    var dependencies: [AllowedDependency] = []
    for element in try reader.elements(atMost: 1024) {
      try element.closed("purl", "licence")
      dependencies.append(
        AllowedDependency(
          purl: try element.member("purl").token(), licence: try element.member("licence").text(atMost: 256)))
    }
    return dependencies
  }

  /// The number with this name; a gate that asks for one that is not there is malformed, never unlimited.
  public func limit(_ name: String) throws(Problem) -> Int64 {
    guard let value = limits[name] else {
      throw .malformed("policy.no-limit", "the release policy has no limit “\(name)”", source: "R2")
    }
    return value
  }

  /// What puts off these requirements of the gate `id` at `time`.
  public func deferrals(of id: String, _ requirements: [String], at time: Timestamp) -> [Deferral] {
    deferred.filter { deferral in
      deferral.gate == id && time <= deferral.expires
        && requirements.contains { $0.isExactly(deferral.requirement) }
    }
  }

  /// Those of `gates` that the policy does not require.
  public func missing(of gates: [String]) -> [String] {
    gates.filter { id in !self.gates.contains { $0.id.isExactly(id) } }
  }

  /// Refuses a policy that is not valid at `time`.
  public func requireValid(at time: Timestamp) throws(Problem) {
    guard issued <= time.adding(seconds: Freshness.futureTolerance) else {
      throw .refused("policy.future", "the release policy was issued at \(issued), after \(time)")
    }
    guard time < expires else { throw .refused("policy.expired", "the release policy expired at \(expires)") }
  }

  /// Reads a signed policy and judges it by the root of `trust`, as of `time`.
  public static func verified(_ envelope: Envelope, trust: TrustFile, at time: Timestamp) throws(Problem)
    -> ReleasePolicy
  {
    guard envelope.payloadType == payloadType else {
      throw .malformed("policy.payload-type", "this envelope holds no release policy but \(envelope.payloadType)")
    }
    try trust.require(envelope, role: .root, at: time, for: trust.profile)
    let policy = try ReleasePolicy(parsing: envelope.payload)
    guard policy.profile == trust.profile else {
      throw .refused("policy.profile", "policy and trust file are for different profiles")
    }
    try policy.requireValid(at: time)
    return policy
  }
}
