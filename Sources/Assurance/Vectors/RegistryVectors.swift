import Attestation
import Cryptography
public import Diagnostics
import LinuxKit
import Sigstore

/// Attestations of the npm registry, beside the packages that they are about.
public enum NPMVectors {
  /// Judges every `NAME.tgz.json` at `path`. A name with `-invalidsigprov` or `-invalidsigpub` says which of the two
  /// signatures is broken, and that one, no other, must be refused.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    let verifier = SigstoreVerifier(root: try TrustedRoot.Instance.production.root())
    for file in try Corpus.files(at: path) where file.hasSuffix(".tgz.json") {
      let expected =
        file.hasSuffix("-invalidsigprov.tgz.json")
        ? "refused: provenance" : file.hasSuffix("-invalidsigpub.tgz.json") ? "refused: publish" : Answer.accepted
      report.judge(Path.name(of: file), expected: expected, found: outcome(file, verifier))
    }
    return report
  }

  private static func outcome(_ file: String, _ verifier: SigstoreVerifier) -> String {
    do throws(Problem) {
      let attestations = try NPMAttestations(parsing: try Corpus.bytes(of: file))
      let package = try FileSystem.read(String(file.dropLast(".json".count)), limit: 64 << 20)
      let artifact = SignedArtifact(name: Path.name(of: file), bytes: package)
      let checks = attestations.judge(
        by: verifier, artifact: artifact, registryKeys: try NPMRegistry.keys(), signer: .judgedByCaller
      ).checks
      if checks.outcome == .passed { return Answer.accepted }
      let bad = Set(checks.filter { $0.outcome != .passed }.map { String($0.id.prefix { $0 != "." }) })
      return "refused: \(bad.sorted().joined(separator: ", "))"
    } catch { return error.code }
  }
}

/// Attestations of the Python package index, beside the distributions that they are about.
public enum PEP740Vectors {
  private static let suffixes = [
    ".publish.attestation", ".slsa.attestation", ".attestation", ".provenance", ".sigstore",
  ]

  /// Judges every attestation at `path` three times: over its distribution with its own signer, which must be accepted,
  /// with another signer, and over a changed distribution, which must be refused.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    for name in try FileSystem.list(path) {
      guard let suffix = suffixes.first(where: { name.hasSuffix($0) }) else { continue }
      let distribution = String(name.dropLast(suffix.count))
      guard FileSystem.status("\(path)/\(distribution)") != nil else { continue }
      let root = try (name.hasPrefix("rfc8785-") ? TrustedRoot.Instance.staging : .production).root()
      let bytes = try FileSystem.read("\(path)/\(distribution)", limit: 64 << 20)
      let judge = Judge(
        verifier: SigstoreVerifier(root: root), file: "\(path)/\(name)", distribution: distribution,
        isBundle: suffix == ".sigstore")
      report.judge(name, expected: Answer.accepted, found: judge.outcome(bytes, own: true))
      report.judge("\(name), another signer", expected: "identity.name", found: judge.outcome(bytes, own: false))
      report.judge("\(name), changed", expected: Judge.anotherFile, found: judge.outcome(bytes + [0], own: true))
    }
    return report
  }

  private struct Judge {
    let verifier: SigstoreVerifier
    let file: String
    let distribution: String
    let isBundle: Bool

    static let anotherFile = "another file"

    /// What fails where the file is another one: the subject of a statement, or what a signature over the file leads to.
    private static let aboutAnotherFile: [Set<String>] = [
      ["subject.digest"], ["bundle.digest", "signature.invalid", "signature.first", "log.entry-digest"],
    ]

    /// `accepted`, `another file`, or the codes of what did not pass.
    func outcome(_ bytes: [UInt8], own: Bool) -> String {
      do throws(Problem) {
        let artifact = SignedArtifact(name: distribution, bytes: bytes)
        let document = try Corpus.bytes(of: file)
        var checks: [Check] = []
        if isBundle {
          let bundle = try SigstoreBundle(parsing: document)
          checks = try judged(own) { verifier.judge(bundle, artifact: artifact, signer: $0) }
        } else {
          for one in try PyPIAttestation.list(parsing: document) {
            checks += try judged(own) { verifier.judge(one, artifact: artifact, name: distribution, signer: $0) }
          }
        }
        if checks.outcome == .passed { return Answer.accepted }
        let codes = Set(checks.filter { $0.outcome != .passed }.map(\.code))
        return Judge.aboutAnotherFile.contains(codes) ? Judge.anotherFile : codes.sorted().joined(separator: ", ")
      } catch { return error.code }
    }

    /// With the certificate's own name, or with another one and the same issuer.
    private func judged(
      _ own: Bool, _ judge: (SigstoreVerifier.Signer) -> SigstoreVerifier.Judgement
    ) throws(Problem) -> [Check] {
      guard let signer = judge(.judgedByCaller).signer else {
        throw .malformed("pep740.signer", "the certificate names nobody")
      }
      return judge(.identity(name: own ? signer.name : "\(signer.name)x", issuer: signer.issuer)).checks
    }
  }
}
