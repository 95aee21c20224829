import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import X509

/// `rustynet-bench bundle BUNDLE ARTIFACT`: what verifying costs beside the bare signatures in it.
struct BundleBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle",
    abstract: "Verify one keyless bundle again and again, and compare with the bare cost of its signatures.",
    discussion: """
      The bare cost is that of libcrypto's verification with keys that are read already: four with P-256 (artifact,
      certificate log, promise, checkpoint) and one with P-384 (the certificate). Both are measured in turn, as CPU
      time; the ratio is the median over the turns.
      """)

  @Argument(help: "A bundle of version 0.3 with a promise, of the production instance.") var bundle: String
  @Argument(help: "The file that it is about.") var artifact: String
  @Option(help: "How many turns.") var turns = 15
  @Option(help: "How many verifications in a turn.") var iterations = 200

  func run() throws {
    let bytes = try FileSystem.read(bundle, limit: 32 << 20)
    let file = try FileSystem.read(artifact, limit: 1 << 20)
    let verifier = SigstoreVerifier(root: try TrustedRoot.Instance.production.root())
    let signed = SignedArtifact(name: artifact, bytes: file)
    let bare = try BareSignatures(bytes)
    var ratios: [Double] = []
    var costs: [Double] = []
    for _ in 0..<max(turns, 1) {
      let ours = try cost { () throws(Problem) in
        let judgement = verifier.judge(try SigstoreBundle(parsing: bytes), artifact: signed, signer: .judgedByCaller)
        guard judgement.checks.outcome == .passed else {
          throw .refused("bench.bundle", "the bundle does not verify", place: bundle)
        }
      }
      let theirs = try cost { () throws(Problem) in bare.verify() }
      costs.append(ours)
      ratios.append(ours / theirs)
    }
    ratios.sort()
    costs.sort()
    Console.print(
      "bundle iterations=\(iterations) median_us=\(costs[costs.count / 2] * 1e6) median_ratio=\(ratios[ratios.count / 2])"
    )
  }

  /// CPU seconds of one run of `body`, over `iterations`.
  private func cost(_ body: () throws(Problem) -> Void) throws(Problem) -> Double {
    let begin = Host.processorSeconds()
    for _ in 0..<max(iterations, 1) { try body() }
    return (Host.processorSeconds() - begin) / Double(max(iterations, 1))
  }
}

/// The signatures of a keyless bundle, without everything around them.
private struct BareSignatures {
  let leaf: ForeignPublicKey
  let issuer: ForeignPublicKey
  let digests = (Digest(of: [1]), Digest(of: [1], .sha384))
  /// Well-formed signatures that do not verify: finding that out takes the whole computation.
  let signatures = (BareSignatures.signature(32), BareSignatures.signature(48))

  init(_ bytes: [UInt8]) throws(Problem) {
    guard case .certificate(let certificate, _) = try SigstoreBundle(parsing: bytes).material,
      let authority = try TrustedRoot.Instance.production.root().certificateAuthorities.last,
      certificate.publicKey.kind == .ecdsaP256, authority.chain[0].publicKey.kind == .ecdsaP384
    else { throw .malformed("bench.bundle", "this needs a bundle with a P-256 certificate of the production instance") }
    leaf = certificate.publicKey
    issuer = authority.chain[0].publicKey
  }

  func verify() {
    for _ in 0..<4 { _ = leaf.isValid(signatures.0, overDigest: digests.0, .ecdsaP256SHA256) }
    _ = issuer.isValid(signatures.1, overDigest: digests.1, .ecdsaP384SHA384)
  }

  /// Two different numbers: with the same one twice r/s is 1, and one of the two multiplications falls away.
  private static func signature(_ length: Int) -> [UInt8] {
    let r = [0x02, UInt8(length)] + [UInt8](repeating: 0x33, count: length)
    let s = [0x02, UInt8(length)] + [UInt8](repeating: 0x55, count: length)
    return [0x30, UInt8(2 * length + 4)] + r + s
  }
}
