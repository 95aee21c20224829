import Attestation
public import Diagnostics
import StrictJSON

/// Which signers may assert which builder ids, beyond their own (`attestations/policies/slsa-builders.json`,
/// `documents/specs/slsa-builders.md`).
///
/// A builder id is worth what the identity is worth that signed it: equal to the id, or listed here (SLSA v1.0,
/// “Verifying artifacts”, step 1: builder identities are mapped to the builders that they may speak for).
public struct BuilderTable: Sendable {
  /// The type that we read.
  static let type = "rustynet-slsa-builders/v1"

  /// A workflow that signs for builders other than itself.
  public struct Signer: Sendable, Equatable {
    /// The workflow without a ref.
    public let workflow: String
    /// The only ref that it may have; nil for any release, `refs/tags/vX.Y.Z`.
    public let ref: String?
    /// Who issued its identity.
    public let issuer: String
    /// The builders without versions.
    public let builders: [String]
    /// The only repositories that it may have built; nil for any.
    public let repositories: [String]?
  }

  /// A builder that is a kind of machine: every workflow on it signs for itself, so the certificate must prove the rest.
  public struct Runner: Sendable, Equatable {
    /// The builder's id.
    public let builder: String
    /// Who issued the signer's identity.
    public let issuer: String
    /// What the certificate must say of the machine; nil for no demand.
    public let environment: String?
  }

  /// Workflows that sign for others.
  public let signers: [Signer]
  /// Builders that are kinds of machines.
  public let runners: [Runner]

  /// Reads a table: closed objects, at most 256 entries of each kind and 1,024 builders in an entry.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: 1 << 20)) { reader throws(Problem) in
      try reader.closed("type", "checked", "signers", "runners")
      let type = try reader.member("type").token()
      guard type.isExactly(BuilderTable.type) else {
        throw reader.problem("builders.type", "“\(type)” is not a table of builders that we read")
      }
      _ = try reader.member("checked").token(atMost: 10)
      var signers: [Signer] = []
      for entry in try reader.member("signers").elements(atMost: 256) { signers.append(try BuilderTable.signer(entry)) }
      var runners: [Runner] = []
      for entry in try reader.member("runners").elements(atMost: 256) {
        let runner = try BuilderTable.runner(entry)
        guard !runners.contains(where: { $0.builder.isExactly(runner.builder) }) else {
          throw entry.problem("builders.duplicate", "the builder “\(runner.builder)” stands twice")
        }
        runners.append(runner)
      }
      return BuilderTable(signers: signers, runners: runners)
    }
  }

  private init(signers: [Signer], runners: [Runner]) {
    self.signers = signers
    self.runners = runners
  }

  private static func signer(_ reader: JSONReader) throws(Problem) -> Signer {
    try reader.closed("signer", "ref", "issuer", "builders", "repositories", "source")
    _ = try reader.member("source").text(atMost: 4096)
    let builders = try reader.member("builders").tokens(atMost: 1024)
    guard !builders.isEmpty else { throw reader.problem("builders.empty", "the signer speaks for no builder") }
    let workflow = try reader.member("signer").token()
    guard BuilderID(workflow).version == nil, builders.allSatisfy({ BuilderID($0).version == nil }) else {
      throw reader.problem("builders.version", "signers and builders stand here without a version")
    }
    return Signer(
      workflow: workflow, ref: try reader.optional("ref")?.token(), issuer: try reader.member("issuer").token(),
      builders: builders, repositories: try reader.optional("repositories")?.tokens(atMost: 1024))
  }

  private static func runner(_ reader: JSONReader) throws(Problem) -> Runner {
    try reader.closed("builder", "issuer", "environment", "source")
    _ = try reader.member("source").text(atMost: 4096)
    return Runner(
      builder: try reader.member("builder").token(), issuer: try reader.member("issuer").token(),
      environment: try reader.optional("environment")?.token())
  }

  /// The runner with this builder id.
  func runner(_ id: BuilderID) -> Runner? { runners.first { $0.builder.isExactly(id.text) } }

  /// Whether `identity` may sign as `builder` what was built from `repository`.
  func allows(_ identity: SignerIdentity, builder: BuilderID, repository: String?) -> Bool {
    let signer = BuilderID(identity.name)
    return builder.isRelease
      && signers.contains { entry in
        entry.workflow.isExactly(signer.name) && entry.issuer.isExactly(identity.issuer)
          && entry.builders.contains { $0.isExactly(builder.name) }
          && (entry.ref.map { ref in signer.version?.isExactly(ref) ?? false } ?? signer.isRelease)
          && (entry.repositories.map { list in list.contains { $0.isExactly(repository ?? "") } } ?? true)
      }
  }
}
