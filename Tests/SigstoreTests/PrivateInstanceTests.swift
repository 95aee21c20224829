import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import Testing
import Wire
import X509

/// Bundles that a Sigstore instance of our own has signed, by `Tests/Fixtures/sigstore_instance.py`: every kind of log
/// entry and of evidence once as it must be, and with one fault each.
@Suite struct PrivateInstanceTests {
  private static let folder = "Tests/Fixtures/sigstore-instance"

  private struct Case {
    let name: String
    /// The codes of everything that must not pass; empty where all must.
    let codes: [String]
    let identity: SigstoreVerifier.Signer
    let key: ForeignPublicKey?
    let bundle: [UInt8]
  }

  private static func cases(_ name: String) throws -> [Case] {
    try FileSystem.read("\(folder)/\(name).jsonl", limit: 4 << 20).split(separator: 0x0a).map { line in
      let reader = JSONReader(try JSON(parsing: Array(line)))
      let identity = SigstoreVerifier.Signer.identity(
        name: try reader.member("identity").text(), issuer: try reader.member("issuer").text())
      let key = try reader.member("key")
      return Case(
        name: try reader.member("name").text(), codes: try reader.member("codes").elements().map { try $0.text() },
        identity: identity, key: key.value == .null ? nil : try ForeignPublicKey(spki: try Base64.decode(key.text())),
        bundle: try reader.member("bundle").value.canonical)
    }
  }

  private static func verifier() throws -> SigstoreVerifier {
    SigstoreVerifier(root: try TrustedRoot(parsing: try FileSystem.read("\(folder)/trusted_root.json", limit: 1 << 20)))
  }

  private static let artifact = SignedArtifact(name: "artifact", bytes: Array("an artifact\n".utf8))

  /// What did not pass; empty only where the outcome is a pass.
  private static func codes(_ judge: () throws(Problem) -> [Check]) -> [String] {
    do throws(Problem) {
      let checks = try judge()
      return checks.outcome == .passed ? [] : Set(checks.filter { $0.outcome != .passed }.map(\.code)).sorted()
    } catch { return [error.code] }
  }

  @Test func everyFaultIsRefusedForItself() throws {
    let cases = try Self.cases("cases")
    let verifier = try Self.verifier()
    #expect(cases.count > 100)
    for one in cases {
      let found = Self.codes { () throws(Problem) in
        verifier.judge(
          try SigstoreBundle(parsing: one.bundle), artifact: Self.artifact,
          signer: one.key.map(SigstoreVerifier.Signer.key) ?? one.identity
        ).checks
      }
      #expect(found == one.codes, "\(one.name)")
    }
  }

  /// The digests that a bundle names as needed are enough: its verdict, and the reason, are the same with them alone.
  @Test func theDigestsThatABundleNeedsAreEnough() throws {
    let verifier = try Self.verifier()
    var fewer = 0
    for one in try Self.cases("cases") {
      guard let bundle = try? SigstoreBundle(parsing: one.bundle) else { continue }
      let digests = Self.artifact.digests.filter { bundle.hashes.contains($0.algorithm) }
      fewer += digests.count < 3 ? 1 : 0
      let artifact = SignedArtifact(name: "artifact", digests: digests, read: Self.artifact.read)
      let found = Self.codes { () throws(Problem) in
        verifier.judge(bundle, artifact: artifact, signer: one.key.map(SigstoreVerifier.Signer.key) ?? one.identity)
          .checks
      }
      #expect(found == one.codes, "\(one.name)")
    }
    #expect(fewer > 50)
  }

  /// A key of the registry that had expired when it signed is none of its keys any more.
  @Test func aRegistryKeyHasItsTime() throws {
    let right = try #require(try Self.cases("npm").first { $0.codes.isEmpty })
    let verifier = try Self.verifier()
    let key = try #require(right.key)
    func codes(_ keys: [NPMRegistry.Key]) -> [String] {
      Self.codes { () throws(Problem) in
        try NPMAttestations(parsing: right.bundle).judge(
          by: verifier, artifact: Self.artifact, registryKeys: keys, signer: right.identity
        ).checks
      }
    }
    let other = try NPMRegistry.keys()
    #expect(codes([NPMRegistry.Key(key, validUntil: .latest)]) == [])
    #expect(codes([NPMRegistry.Key(key, validUntil: Timestamp(seconds: 1_000_000_000))]) == ["npm.key-time"])
    #expect(codes(other + [NPMRegistry.Key(key)]) == [])
    #expect(codes([NPMRegistry.Key(key)] + other) == [])
    #expect(codes(other).contains("signature.invalid"))
    #expect(codes([]).contains("bundle.material"))
  }

  /// Every attestation of a package must be about it, and one of them must say how it was built.
  @Test func everyAttestationOfAPackageCounts() throws {
    let cases = try Self.cases("npm")
    let verifier = try Self.verifier()
    #expect(cases.count > 5)
    for one in cases {
      let key = try #require(one.key)
      let found = Self.codes { () throws(Problem) in
        try NPMAttestations(parsing: one.bundle).judge(
          by: verifier, artifact: Self.artifact, registryKeys: [NPMRegistry.Key(key)], signer: one.identity
        ).checks
      }
      #expect(found == one.codes, "\(one.name)")
    }
  }
}
