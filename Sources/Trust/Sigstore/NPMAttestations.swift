public import Attestation
public import Cryptography
public import Diagnostics
import StrictJSON
import Wire

/// What the npm registry says about a package: that it was published, signed by the registry's own key, and how it was
/// built, signed by the builder (github.com/npm/attestation).
public struct NPMAttestations: Sendable {
  /// One attestation: the type that the registry lists it under, and the bundle.
  public struct Attestation: Sendable {
    /// The type of the predicate, as listed.
    public let predicateType: String
    /// The bundle.
    public let bundle: SigstoreBundle
  }

  /// The predicate of the registry's own attestation.
  public static let publish = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"

  /// The predicates that say how a package was built.
  static let provenance = [PredicateType.provenance, "https://slsa.dev/provenance/v0.2"]

  /// All of them, at least one.
  public let list: [Attestation]

  /// Reads the registry's answer.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: SigstoreBundle.limits) { reader throws(Problem) in
      var list: [Attestation] = []
      for one in try reader.member("attestations").elements(atMost: 32) {
        list.append(
          Attestation(
            predicateType: try one.member("predicateType").token(),
            bundle: try SigstoreBundle(try one.member("bundle"))))
      }
      return NPMAttestations(list: list)
    }
    guard !list.isEmpty else {
      throw .malformed("npm.empty", "there is no attestation", source: "github.com/npm/attestation")
    }
  }

  private init(list: [Attestation]) { self.list = list }
}

extension NPMAttestations {
  /// Judges all attestations about the package `artifact`: the registry's own by `registryKey`, every other one by
  /// `signer`. Both sorts must be there, because the registry's answer alone says nothing of how it was built.
  ///
  /// - Returns: the checks of all, each under the name of its attestation, and the judgement of the provenance.
  public func judge(
    by verifier: SigstoreVerifier, artifact: SignedArtifact, registryKey: ForeignPublicKey,
    signer: SigstoreVerifier.Signer
  ) -> (checks: [Check], provenance: SigstoreVerifier.Judgement?) {
    var checks: [Check] = []
    var provenance: SigstoreVerifier.Judgement?
    var statements: [(prefix: String, statement: Statement)] = []
    for attestation in list {
      let isPublish = attestation.predicateType.isExactly(NPMAttestations.publish)
      let judgement = verifier.judge(
        attestation.bundle, artifact: artifact, signer: isPublish ? .key(registryKey) : signer)
      let prefix = isPublish ? "publish" : "provenance"
      checks += judgement.checks.prefixed("\(prefix).")
      if let statement = judgement.statement {
        checks.append(
          .equal(
            "\(prefix).predicate-type", "npm.predicate-type", "the type that the registry lists",
            expected: attestation.predicateType, found: statement.predicateType, source: "CVE-2022-35929; V6"))
        statements.append((prefix, statement))
      }
      if !isPublish { provenance = judgement }
    }
    for (name, isThere) in [
      ("publish", list.contains { $0.predicateType.isExactly(NPMAttestations.publish) }),
      ("provenance", list.contains { one in NPMAttestations.provenance.contains { $0.isExactly(one.predicateType) } }),
    ] where !isThere {
      checks.append(.failed(name, "npm.missing", "there is no \(name) attestation", source: "CVE-2022-35929"))
    }
    for (prefix, published) in statements where prefix == "publish" { checks += names(published, statements) }
    return (checks, provenance)
  }

  /// The package that the registry published is the one that each statement names: one that holds says nothing for
  /// another beside it.
  private func names(_ published: Statement, _ statements: [(prefix: String, statement: Statement)]) -> [Check] {
    let predicate = JSONReader(published.predicate)
    let name: String
    let version: String
    do throws(Problem) {
      name = try predicate.member("name").text(atMost: 512)
      version = try predicate.member("version").text(atMost: 512)
    } catch { return [Check("publish.package", error)] }
    let purl = "pkg:npm/\(name.replacing("@", with: "%40"))@\(version)"
    return statements.map { prefix, statement in
      .equal(
        "\(prefix).package", "npm.package", "the package that the subject names", expected: purl,
        found: statement.subjects.count == 1 ? statement.subjects[0].name : "\(statement.subjects.count) subjects",
        source: "github.com/npm/attestation, specs/publish")
    }
  }
}

/// The npm registry's own key (`attestations/trust/npm`).
public enum NPMRegistry {
  /// How the registry's bundles call the key.
  public static let hint = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA"

  /// The key, in PEM; a test compares it with the file.
  public static let pem = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i
    6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg==
    -----END PUBLIC KEY-----

    """

  /// The key.
  public static func key() throws(Problem) -> ForeignPublicKey { try ForeignPublicKey(pem: pem) }
}
