public import Attestation
import Cryptography
public import Diagnostics
import LinuxKit
public import Sigstore

/// The bundles of sigstore-conformance: a folder each, whose name ends in `_fail` where the bundle must be refused.
public enum SigstoreVectors {
  private static let identity =
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
    + "extremely-dangerous-oidc-beacon.yml@refs/heads/main"
  private static let issuer = "https://token.actions.githubusercontent.com"

  /// Judges every folder with a bundle at `path`, by the file and by its digest.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    for name in try FileSystem.list(path) {
      let folder = "\(path)/\(name)"
      guard FileSystem.status("\(folder)/bundle.sigstore.json") != nil else { continue }
      let own = "\(folder)/artifact"
      let bytes = try FileSystem.read(FileSystem.status(own) == nil ? "\(path)/a.txt" : own, limit: 64 << 20)
      let whole = SignedArtifact(name: name, bytes: bytes)
      let digest = SignedArtifact(name: name, digests: [Digest(of: bytes)])
      for (kind, artifact) in [("file", whole), ("digest", digest)] {
        report.judge(
          "\(name) by \(kind)", expected: Answer.word(!name.hasSuffix("_fail")),
          found: outcome(folder, artifact))
      }
    }
    return report
  }

  /// `accepted`, or `refused`; what could not be run is neither.
  private static func outcome(_ folder: String, _ artifact: SignedArtifact) -> String {
    do {
      let checks = try checks(folder, artifact)
      return Answer.word(checks.outcome == .passed)
    } catch { return error.kind == .couldNotRun ? "could not run: \(error.code)" : Answer.refused }
  }

  /// The checks of one case, for tests that ask for the reason.
  public static func checks(_ folder: String, _ artifact: SignedArtifact) throws(Problem) -> [Check] {
    let root: TrustedRoot
    if let own = try text("\(folder)/trusted_root.json") {
      root = try TrustedRoot(parsing: Array(own.utf8))
    } else {
      root = try TrustedRoot.Instance.production.root()
    }
    let signer: SigstoreVerifier.Signer
    if let key = try text("\(folder)/key.pub") {
      signer = .key(try ForeignPublicKey(pem: key))
    } else {
      signer = .identity(
        name: try text("\(folder)/identity") ?? identity, issuer: try text("\(folder)/issuer") ?? issuer)
    }
    let bundle = try SigstoreBundle(parsing: try Corpus.bytes(of: "\(folder)/bundle.sigstore.json"))
    return SigstoreVerifier(root: root).judge(bundle, artifact: artifact, signer: signer).checks
  }

  private static func text(_ path: String) throws(Problem) -> String? {
    guard FileSystem.status(path) != nil else { return nil }
    let text = String(decoding: try FileSystem.read(path, limit: 4 << 20), as: UTF8.self)
    return path.hasSuffix("json") || path.hasSuffix("pub")
      ? text : String(text.prefix { $0 != "\n" && $0 != "\r\n" })
  }
}
