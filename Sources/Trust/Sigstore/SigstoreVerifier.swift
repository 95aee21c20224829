public import Attestation
public import Cryptography
import Diagnostics
import StrictJSON
public import Wire
import X509

/// Verifies Sigstore bundles against a trusted root, without a network and without a clock: what counts is when the
/// signature was made, by the word of a log or of a time-stamp authority.
public struct SigstoreVerifier: Sendable {
  /// Who must have signed.
  public enum Signer: Sendable {
    /// Whom the certificate names, and who vouched for it; both are compared exactly.
    case identity(name: String, issuer: String)
    /// A key that the verifier has.
    case key(ForeignPublicKey)
    /// Anybody with a certificate: for callers that judge the identity in the judgement by rules of their own.
    case judgedByCaller
  }

  /// What came out of it.
  public struct Judgement: Sendable {
    /// Every check, in order; all that failed and not the first.
    public var checks: [Check] = []
    /// Whom the certificate names; nil for keys, and where the certificate cannot be read.
    public var signer: SignerIdentity?
    /// What was signed, where it is a Statement; read only after the signature was found right.
    public var statement: Statement?
    /// When the signature was made, by each log and authority whose word holds.
    public var times: [Timestamp] = []
  }

  let root: TrustedRoot

  /// A verifier that trusts `root`.
  public init(root: TrustedRoot) { self.root = root }

  /// Judges `bundle` about `artifact` (sigstore/architecture-docs, client-spec.md, "Verification").
  public func judge(_ bundle: SigstoreBundle, artifact: SignedArtifact, signer: Signer) -> Judgement {
    var run = Run(root: root, bundle: bundle, artifact: artifact, signer: signer)
    run.judge()
    return run.judgement
  }

  /// One judgement on its way; every step adds its checks.
  struct Run {
    let root: TrustedRoot
    let bundle: SigstoreBundle
    let artifact: SignedArtifact
    let signer: Signer
    var judgement = Judgement()

    mutating func judge() {
      let key: ForeignPublicKey
      let verifier: [UInt8]
      switch (bundle.material, signer) {
      case (.certificate(let certificate, _), .identity), (.certificate(let certificate, _), .judgedByCaller):
        key = certificate.publicKey
        verifier = certificate.der
        certificateItself(certificate)
      case (.publicKey, .key(let given)):
        key = given
        verifier = given.der
      case (.certificate, .key):
        fail("material", .refused("bundle.material", "the bundle is signed with a certificate, and a key was given"))
        return
      case (.publicKey, _):
        fail(
          "material",
          .refused(
            "bundle.material", "the bundle is signed with a key of the verifier's own", hint: "give it with --key"))
        return
      }
      let isSigned = signature(key)
      for (number, entry) in bundle.entries.enumerated() { logEntry(entry, number, verifier: verifier) }
      if bundle.entries.isEmpty {
        judgement.checks.append(
          .notRun("log", "log.missing", "no log entry says that and when this was signed: not provable offline"))
      }
      for (number, token) in bundle.timestamps.enumerated() { timestamp(token, number) }
      logsAtTheirTimes()
      if case .certificate(let certificate, let others) = bundle.material { chain(certificate, others) }
      if isSigned { subject() } else { judgement.checks.append(SigstoreVerifier.notLookedAt) }
    }

    mutating func pass(
      _ id: String, _ message: String, expected: String? = nil, found: String? = nil, source: String
    ) {
      judgement.checks.append(.passed(id, message, expected: expected, found: found, source: source))
    }

    mutating func fail(_ id: String, _ problem: Problem) { judgement.checks.append(Check(id, problem)) }

    /// Runs `body` as one check; true when it passed.
    @discardableResult
    mutating func check(
      _ id: String, _ message: String, found: String? = nil, source: String, _ body: () throws(Problem) -> Void
    ) -> Bool {
      do throws(Problem) {
        try body()
        pass(id, message, found: found, source: source)
        return true
      } catch {
        fail(id, error)
        return false
      }
    }
  }

  private static let signing = "sigstore client-spec.md, “Verification”"

  /// How a key of this kind may have signed, the usual way first. With P-384 clients of 2023 signed SHA-256 (so
  /// are CPython's releases of that year), which is as strong as with P-256.
  static func algorithms(of kind: ForeignPublicKey.Kind) -> [SignatureAlgorithm] {
    kind == .ecdsaP384 ? [.ecdsaP384SHA384, .ecdsaP384SHA256] : [.usual(for: kind)]
  }

  static let notLookedAt = Check.notRun(
    "subject", "signature.first", "what is signed was not looked at: the signature does not hold")
}

// MARK: the signature and what is signed

extension SigstoreVerifier.Run {
  /// Whether the signature is the key's over the artifact, or over the envelope.
  mutating func signature(_ key: ForeignPublicKey) -> Bool {
    let algorithms = SigstoreVerifier.algorithms(of: key.kind)
    switch bundle.content {
    case .envelope(let envelope):
      let bytes = envelope.signedBytes
      let fitting = algorithms.first { key.isValid(bundle.signature, over: bytes, $0) }
      let name = (fitting ?? algorithms[0]).rawValue
      return signed(fitting != nil, "a valid \(name) signature over the envelope", "DSSE protocol.md")
    case .message(_, let stated):
      if let stated, let found = artifact.digest(stated.algorithm), found != stated {
        judgement.checks.append(
          .failed(
            "signature.digest", "bundle.digest", "the bundle is about another artifact",
            expected: stated.description, found: found.description, source: "protobuf-specs, sigstore_common.proto"))
      }
      return message(key, algorithms, stated?.algorithm)
    }
  }

  /// The signature over an artifact: by the hash that the bundle states where the key may sign with it, else by the
  /// others.
  private mutating func message(
    _ key: ForeignPublicKey, _ algorithms: [SignatureAlgorithm], _ stated: HashAlgorithm?
  ) -> Bool {
    let usual = algorithms.first { $0.hash == stated } ?? algorithms[0]
    guard usual.hash != nil else { return wholeMessage(key, usual) }
    for algorithm in [usual] + algorithms.filter({ $0 != usual }) {
      guard let digest = algorithm.hash.flatMap(artifact.digest),
        key.isValid(bundle.signature, overDigest: digest, algorithm)
      else { continue }
      return signed(true, what(algorithm), SigstoreVerifier.signing, found: digest.description)
    }
    guard let digest = usual.hash.flatMap(artifact.digest) else {
      let name = usual.hash?.rawValue ?? ""
      judgement.checks.append(
        .notRun(
          "signature", "signature.needs-digest", "the signature covers the \(name) digest, which was not given",
          source: SigstoreVerifier.signing, hint: "give the file itself, or its \(name) digest"))
      return false
    }
    return signed(false, what(usual), SigstoreVerifier.signing, found: digest.description)
  }

  /// An Ed25519 signature over the file, or over its digest, as entries of the kind hashedrekord are (Ed25519ph). Both
  /// need every byte: a digest from elsewhere is nothing that libsodium verifies with.
  private mutating func wholeMessage(_ key: ForeignPublicKey, _ algorithm: SignatureAlgorithm) -> Bool {
    guard let read = artifact.read else {
      judgement.checks.append(
        .notRun(
          "signature", "signature.needs-file", "an Ed25519 signature covers the file, and only a digest was given",
          source: "RFC 8032 §5.1", hint: "give the file itself"))
      return false
    }
    do throws(Problem) {
      let bytes = try read()
      if key.isValidPrehashed(bundle.signature, over: bytes) {
        return signed(true, "a valid ed25519ph signature over \(artifact.name)", SigstoreVerifier.signing)
      }
      return signed(
        key.isValid(bundle.signature, over: bytes, algorithm), what(algorithm), SigstoreVerifier.signing)
    } catch {
      fail("signature", error)
      return false
    }
  }

  private func what(_ algorithm: SignatureAlgorithm) -> String {
    "a valid \(algorithm.rawValue) signature over \(artifact.name)"
  }

  private mutating func signed(_ isValid: Bool, _ what: String, _ source: String, found: String? = nil) -> Bool {
    if isValid {
      pass("signature", what, found: found, source: source)
    } else {
      judgement.checks.append(
        .failed(
          "signature", "signature.invalid", "the signature does not verify with the key of this bundle", found: found,
          source: source, hint: "the artifact, or the bundle, is not what was signed"))
    }
    return isValid
  }

  /// The statement, and whether the artifact is one of its subjects; an artifact itself was compared with the signature.
  mutating func subject() {
    guard case .envelope(let envelope) = bundle.content else { return }
    guard envelope.payloadType.isExactly(Envelope.statementType) else {
      fail(
        "subject",
        .refused(
          "dsse.payload-type", "the envelope holds no in-toto Statement but \(envelope.payloadType)",
          source: "DSSE protocol.md; V6"))
      return
    }
    do throws(Problem) {
      let statement = try Statement(parsing: envelope.payload, allowsIdentifiersOnly: true)
      judgement.statement = statement
      judgement.checks.append(statement.subjectCheck(name: artifact.name, digests: artifact.digests))
    } catch { fail("subject", error) }
  }
}

extension Statement {
  /// Whether a subject of this statement has these digests.
  package func subjectCheck(name: String, digests: [Digest]) -> Check {
    let found = digests.map(\.description).joined(separator: ", ")
    if let match = subjects.first(where: { $0.matches(digests) }) {
      return .passed(
        "subject", "\(name) is the subject “\(match.name)”",
        expected: match.digests.map(\.description).joined(separator: ", "), found: found, source: "V10, V12")
    }
    return .failed(
      "subject", "subject.digest", "\(name) is no subject of the Statement",
      expected: subjects.prefix(8).flatMap { $0.digests.map(\.description) }.joined(separator: ", "), found: found,
      source: "in-toto Statement v1; V10, V12")
  }
}

extension SignatureAlgorithm {
  /// How keys of this kind sign where a format does not say: by the kind of the key, never by the signed document.
  package static func usual(for kind: ForeignPublicKey.Kind) -> SignatureAlgorithm {
    switch kind {
    case .ed25519: .ed25519
    case .ecdsaP256: .ecdsaP256SHA256
    case .ecdsaP384: .ecdsaP384SHA384
    case .rsa: .rsaPKCS1SHA256
    }
  }
}
