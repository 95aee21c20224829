public import Attestation
public import Cryptography
public import Diagnostics
import StrictJSON
public import Wire

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
  /// Judges all attestations about the package `artifact`: the registry's own by the one of `registryKeys` that signed it,
  /// every other one by `signer`. Both sorts must be there, because the registry's answer alone says nothing of how it
  /// was built.
  ///
  /// - Returns: the checks of all, each under the name of its attestation, and the judgement of the provenance.
  public func judge(
    by verifier: SigstoreVerifier, artifact: SignedArtifact, registryKeys: [NPMRegistry.Key],
    signer: SigstoreVerifier.Signer
  ) -> (checks: [Check], provenance: SigstoreVerifier.Judgement?) {
    var checks: [Check] = []
    var provenance: SigstoreVerifier.Judgement?
    var statements: [(prefix: String, statement: Statement)] = []
    for attestation in list {
      let isPublish = attestation.predicateType.isExactly(NPMAttestations.publish)
      let key = isPublish ? attestation.signer(among: registryKeys) : nil
      let judgement = verifier.judge(
        attestation.bundle, artifact: artifact, signer: key.map { .key($0.key) } ?? signer)
      let prefix = isPublish ? "publish" : "provenance"
      checks += judgement.checks.prefixed("\(prefix).")
      if let key, let until = key.validUntil { checks.append(NPMAttestations.keyTime(judgement.times, until)) }
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

  /// Whether the registry's key was one of its keys when it signed; somebody must say when that was.
  private static func keyTime(_ times: [Timestamp], _ until: Timestamp) -> Check {
    let (id, source) = ("publish.key-time", "the npm registry's list of keys")
    guard let last = times.max() else {
      return .failed(
        id, "npm.key-time", "nobody says that this was signed before the registry's key expired", expected: "\(until)",
        source: source)
    }
    guard last <= until else {
      return .failed(
        id, "npm.key-time", "the registry's key had expired", expected: "\(until)", found: "\(last)", source: source)
    }
    return .passed(
      id, "the key was the registry's then", expected: "until \(until)", found: "\(last)", source: source)
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

extension NPMAttestations.Attestation {
  /// The key that signed this attestation; the last one where none did, so that the signature is judged and refused. The
  /// bundle's hint decides nothing.
  fileprivate func signer(among keys: [NPMRegistry.Key]) -> NPMRegistry.Key? {
    guard case .envelope(let envelope) = bundle.content else { return keys.last }
    let signed = envelope.signedBytes
    return keys.first { $0.key.isValid(bundle.signature, over: signed, .usual(for: $0.key.kind)) } ?? keys.last
  }
}

/// The npm registry's own keys (`attestations/trust/npm`): it had one until 2025, and has another one since.
public enum NPMRegistry {
  /// A key of a registry.
  public struct Key: Sendable {
    /// The key.
    public let key: ForeignPublicKey
    /// The last second in which it may have signed, nil while it lasts.
    public let validUntil: Timestamp?

    /// A key.
    public init(_ key: ForeignPublicKey, validUntil: Timestamp? = nil) {
      self.key = key
      self.validUntil = validUntil
    }
  }

  /// A key as it is compiled in; a test compares the text with the file.
  public struct Anchor: Sendable {
    /// The name of the file.
    public let file: String
    /// The key, in PEM.
    public let pem: String
    /// When the registry's list lets it expire, in RFC 3339.
    public let expires: String?
  }

  /// What is compiled in, oldest first.
  public static let anchors = [
    Anchor(
      file: "registry-2022.pub.pem",
      pem: """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i
        6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg==
        -----END PUBLIC KEY-----

        """, expires: "2025-01-29T00:00:00Z"),
    Anchor(
      file: "registry-2025.pub.pem",
      pem: """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY6Ya7W++7aUPzvMTrezH6Ycx3c+H
        OKYCcNGybJZSCJq/fd7Qa8uuAKtdIkUQtQiEKERhAmE5lMMJhP8OkDOa2g==
        -----END PUBLIC KEY-----

        """, expires: nil),
  ]

  /// The keys.
  public static func keys() throws(Problem) -> [Key] {
    try anchors.map { anchor throws(Problem) in
      Key(
        try ForeignPublicKey(pem: anchor.pem),
        validUntil: try anchor.expires.map { text throws(Problem) in try Timestamp(rfc3339: text) })
    }
  }
}
