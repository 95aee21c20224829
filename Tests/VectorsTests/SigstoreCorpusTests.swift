import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import Testing
import Vectors

/// The bundles of others: the verdict, and for every refusal the reason.
@Suite(.enabled(if: Corpora.exists("sigstore-bundles"), "not-run: the third-party corpora are not here"))
struct SigstoreCorpusTests {
  @Test func agreesOnBundles() throws {
    let report = try SigstoreVectors.judge(path: Corpora.path("sigstore-bundles"))
    #expect(report.failures.map(\.id).isEmpty)
    #expect(report.summary(of: "sigstore") == "sigstore agree=60 disagree=0 skipped=0 total=60")
  }

  @Test func agreesOnSLSA() throws {
    let report = try SLSAVectors.judge(path: Corpora.path("slsa-provenance"))
    #expect(report.failures.map(\.id).isEmpty)
    #expect(report.summary(of: "slsa") == "slsa agree=70 disagree=0 skipped=0 total=70")
  }

  @Test func agreesOnNPM() throws {
    let report = try NPMVectors.judge(path: Corpora.path("npm-attestations"))
    #expect(report.failures.map(\.id).isEmpty)
    #expect(report.summary(of: "npm") == "npm agree=12 disagree=0 skipped=0 total=12")
  }

  @Test func agreesOnPEP740() throws {
    let report = try PEP740Vectors.judge(path: Corpora.path("pep740-attestations"))
    #expect(report.failures.map(\.id).isEmpty)
    #expect(report.summary(of: "pep740") == "pep740 agree=27 disagree=0 skipped=0 total=27")
  }

  /// Which code must be among the reasons: a refusal for another reason would hide that a rule is missing.
  @Test(arguments: [
    ("bundle-from-wrong-instance", "log.unknown"), ("bundle-unknown-version", "bundle.version"),
    ("checkpoint-wrong-roothash", "log.checkpoint"), ("dsse-mismatch-sig", "log.entry-signature"),
    ("inclusion-proof-corrupted-hash", "merkle.root"), ("incorrect-public-key", "log.entry-verifier"),
    ("intoto-missing-inclusion-proof", "log.proof"),
    ("intoto-tsa-timestamp-outside-cert-validity", "certificate.expired"), ("invalid-ct-key", "certificate.sct"),
    // The key file was made by hand: its last characters are no base 64.
    ("managed-key-wrong-key", "base64.spare-bits"), ("rekor2-checkpoint-missing-log-signature", "note.signature-line"),
    ("rekor2-dsse-invalid-sig", "signature.invalid"),
    ("rekor2-timestamp-outside-trust-root-tsa-validity", "timestamp.authority-time"),
    ("rekor2-timestamp-untrusted-tsa-with-embedded-cert", "timestamp.signer"),
    ("rekor2-timestamp-untrusted-tsa-without-embedded-cert", "timestamp.signer"),
    ("rekor2-timestamp-with-incorrect-time", "certificate.expired"), ("signature-mismatch", "signature.invalid"),
    ("wrong-hashedrekord-artifact", "log.entry-signature"), ("wrong-material", "signature.invalid"),
  ])
  func refusesForTheReason(name: String, code: String) throws {
    let folder = Corpora.path("sigstore-bundles/\(name)_fail")
    let own = "\(folder)/artifact"
    let bytes = try FileSystem.read(
      FileSystem.status(own) == nil ? Corpora.path("sigstore-bundles/a.txt") : own, limit: 1 << 20)
    let artifact = SignedArtifact(name: name, bytes: bytes)
    let codes: [String]
    do throws(Problem) {
      codes = try SigstoreVectors.checks(folder, artifact).filter { $0.outcome != .passed }.map(\.code)
    } catch { codes = [error.code] }
    #expect(codes.contains(code), "\(codes)")
  }
}

/// Every member of a bundle matters: changed or deleted, the bundle is refused.
@Suite(.enabled(if: Corpora.exists("sigstore-bundles"), "not-run: the third-party corpora are not here"))
struct SigstoreMutationCorpusTests {
  @Test(arguments: ["happy-path-v0.3", "rekor2-dsse-happy-path", "rekor2-timestamp-with-embedded-cert"])
  func everyMemberMatters(name: String) throws {
    let folder = Corpora.path("sigstore-bundles/\(name)")
    let own = "\(folder)/artifact"
    let content = try FileSystem.read(
      FileSystem.status(own) == nil ? Corpora.path("sigstore-bundles/a.txt") : own, limit: 1 << 20)
    let artifact = SignedArtifact(name: name, bytes: content)
    let root =
      FileSystem.status("\(folder)/trusted_root.json") == nil
      ? try TrustedRoot.Instance.production.root()
      : try TrustedRoot(parsing: try FileSystem.read("\(folder)/trusted_root.json", limit: 1 << 20))
    let verifier = SigstoreVerifier(root: root)
    let whole = try JSON(parsing: try FileSystem.read("\(folder)/bundle.sigstore.json", limit: 1 << 24))
    func passes(_ document: JSON) -> Bool {
      guard let bundle = try? SigstoreBundle(parsing: document.canonical) else { return false }
      return verifier.judge(bundle, artifact: artifact, signer: .judgedByCaller).checks.outcome == .passed
    }
    #expect(passes(whole))
    for (path, changed) in whole.mutations(at: "")
    where !Self.exempt.contains(path) && !Self.exempt.contains(name + path) {
      #expect(!passes(changed), "\(name) passes with another \(path)")
    }
  }

  /// What proves nothing may change: a digest that repeats what the signature covers, a hint, the signature of a witness
  /// whom nobody here knows, and a certificate inside a token whose signer is pinned.
  private static let exempt = [
    "-/messageSignature/messageDigest", "-/dsseEnvelope/signatures/0/keyid",
    "rekor2-dsse-happy-path/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope",
    "rekor2-timestamp-with-embedded-cert/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
  ]
}

extension JSON {
  /// The document with each leaf changed, and without each member: `-/path` names a deletion, `/path` a change.
  fileprivate func mutations(at path: String) -> [(String, JSON)] {
    switch self {
    case .object(let object):
      return object.members.flatMap { key, value in
        var without = object
        without[key] = nil
        return [("-\(path)/\(key)", JSON.object(without))]
          + value.mutations(at: "\(path)/\(key)").map { inner, changed in
            var copy = object
            copy[key] = changed
            return (inner, .object(copy))
          }
      }
    case .array(let elements):
      return elements.indices.flatMap { index in
        elements[index].mutations(at: "\(path)/\(index)").map { inner, changed in
          var copy = elements
          copy[index] = changed
          return (inner, .array(copy))
        }
      }
    case .string(let text):
      // Another character in the middle, of the same alphabet.
      var bytes = Array(text.utf8)
      guard !bytes.isEmpty else { return [(path, "x")] }
      let place = bytes.count / 2
      bytes[place] =
        bytes[place] == 0x41 ? 0x42 : bytes[place] == 0x31 ? 0x32 : (0x30...0x39).contains(bytes[place]) ? 0x31 : 0x41
      return [(path, .string(String(decoding: bytes, as: UTF8.self)))]
    case .integer(let number): return [(path, .integer(number + 1))]
    default: return [(path, "x")]
    }
  }
}

@Suite struct PublicAnchorTests {
  @Test func theRegistryKeysAreThoseInTheRepository() throws {
    let folder = "attestations/trust/npm"
    #expect(try FileSystem.list(folder).sorted() == NPMRegistry.anchors.map(\.file))
    for anchor in NPMRegistry.anchors {
      #expect(try FileSystem.read("\(folder)/\(anchor.file)", limit: 4096) == Array(anchor.pem.utf8))
    }
    let keys = try NPMRegistry.keys()
    #expect(keys.allSatisfy { $0.key.kind == .ecdsaP256 } && keys.last?.validUntil == nil)
    #expect(keys.dropLast().allSatisfy { $0.validUntil != nil })
  }
}
