import Attestation
import Cryptography
import Diagnostics
@testable import ForeignSignatures
import LinuxKit
import Testing
import Wire

@Suite struct RecognisedTests {
  static let fixtures: [(name: String, kind: ForeignKind)] = [
    ("ed25519-sha512.sshsig", .sshsig), ("sk-ecdsa.sshsig", .sshsig), ("prehashed.minisig", .minisign),
    ("legacy.minisig", .minisign),
    ("minisign.pub", .signify), ("ed25519.sig", .detached), ("ecdsa-p256-sha256.sig", .detached),
    ("ecdsa-p384-sha384.sig", .detached), ("rsa-pss-sha256.sig", .detached),
  ]

  @Test(arguments: fixtures) func recognisesFiles(name: String, kind: ForeignKind) throws {
    #expect(try Recognised(try Fixture.bytes(name)).kind == kind)
  }

  static func envelope(_ payload: String, type: String = Envelope.statementType) -> String {
    let envelope = Envelope(payloadType: type, payload: Array(payload.utf8), signedBy: [Ed25519.SigningKey()])
    return String(decoding: envelope.encoded, as: UTF8.self)
  }

  static let texts: [(kind: ForeignKind, text: String)] = [
    (.sigstoreBundle, #"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#),
    (.sigstoreBundle, #"{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1","dsseEnvelope":{}}"#),
    (.npmAttestations, #"{"attestations":[{"predicateType":"x","bundle":{}}]}"#),
    (.pep740Attestation, #"{"version":1,"verification_material":{},"envelope":{}}"#),
    (.pep740Provenance, #"{"version":1,"attestation_bundles":[]}"#),
    (
      .provenance,
      envelope(#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1"}"#)
    ),
    (.provenance, envelope(#"{"predicateType":"https://slsa.dev/provenance/v0.2"}"#)),
    (.verificationSummary, envelope(#"{"predicateType":"https://slsa.dev/verification_summary/v1"}"#)),
    (.attestation, envelope(#"{"predicateType":"https://example.org/x"}"#)), (.attestation, envelope("no JSON")),
    (.attestation, envelope("{}", type: "text/plain")), (.layout, envelope(#"{"_type":"layout"}"#)),
    (.layout, #"{"signed":{"_type":"layout"},"signatures":[]}"#), (.layout, #"{"_type":"layout","steps":[]}"#),
    (.link, #"{"signed":{"_type":"link"},"signatures":[]}"#),
    (.trustFile, envelope("{}", type: "application/vnd.rustynet.trust.v1+json")),
    (.cycloneDX, #"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#), (.spdx, #"{"spdxVersion":"SPDX-2.3"}"#),
    (.spdx, #"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}"#),
    (.openPGP, "-----BEGIN PGP SIGNATURE-----\n"),
    (.sigstoreBundle, #"[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}]"#),
    // One JSON text a line.
    (.verificationSummary, envelope(#"{"predicateType":"https://slsa.dev/verification_summary/v1"}"#) + "\n{}\n"),
  ]

  @Test(arguments: texts.indices) func recognisesTexts(index: Int) throws {
    let (kind, text) = RecognisedTests.texts[index]
    #expect(try Recognised(Array(text.utf8)).kind == kind, "case \(index)")
    // White space before a document is no part of it; between lines it would be.
    if !text.contains("\n{") { #expect(try Recognised(Array((" \n\t" + text).utf8)).kind == kind) }
  }

  @Test func recognisesDER() throws {
    // PKIStatusInfo { status 0 } and nothing more; and with a token after it.
    #expect(try Recognised([0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00]).kind == .timestampResponse)
    #expect(try Recognised([0x30, 0x07, 0x30, 0x03, 0x02, 0x01, 0x00, 0x30, 0x00]).kind == .timestampResponse)
    let signedData: [UInt8] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]
    #expect(try Recognised([0x30, 0x0d] + signedData + [0xa0, 0x00]).kind == .timestampToken)
  }

  static let unknown: [(code: String, bytes: [UInt8])] = [
    ("auto.unknown", []), ("auto.unknown", Array("hello".utf8)), ("auto.unknown", Array("{}".utf8)),
    ("auto.unknown", Array("[]".utf8)), ("auto.unknown", Array("[1]".utf8)),
    ("auto.unknown", Array(repeating: 0x61, count: 64)),
    ("auto.unknown", [0x30, 0x05, 0x30, 0x03, 0x02, 0x01]), ("auto.unknown", [0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
    ("auto.unknown", [0x30]), ("json.duplicate-key", Array(#"{"a":1,"a":2}"#.utf8)),
    ("dsse.no-signature", Array(#"{"payloadType":"a","payload":"","signatures":[]}"#.utf8)),
  ]

  @Test(arguments: unknown) func saysWhatItDoesNotKnow(code: String, bytes: [UInt8]) throws {
    let error = #expect(throws: Problem.self) { try Recognised(bytes) }
    #expect(error?.code == code)
  }

  @Test func everyKindHasRules() {
    for kind in ForeignKind.allCases { #expect(!kind.name.isEmpty && !kind.rules.isEmpty) }
  }
}

/// The corpora of third parties: what lies in a folder is what the folder says.
@Suite struct RecognisedCorpusTests {
  static let corpora: String = Host.environment("RUSTYNET_CORPORA") ?? "\(Fixture.folder)/../../../../shared/corpora"

  static let folders: [(folder: String, suffix: String, kinds: Set<ForeignKind>, count: Int)] = [
    ("npm-attestations", ".tgz.json", [.npmAttestations], 12),
    ("pep740-attestations", ".attestation", [.pep740Attestation], 6),
    ("pep740-attestations", ".provenance", [.pep740Provenance], 1),
    ("pep740-attestations", ".sigstore", [.sigstoreBundle], 2),
    ("slsa-provenance/bundle", "", [.sigstoreBundle], 50), ("slsa-provenance/bare", "", [.provenance], 20),
    ("slsa-provenance/other", ".jsonl", [.verificationSummary], 1),
    ("in-toto-demo/demo_files", ".link", [.link], 2), ("in-toto-demo/demo_dsse_files", ".link", [.link], 2),
  ]

  @Test(
    .enabled(if: FileSystem.status("\(corpora)/npm-attestations") != nil, "not-run: ../shared/corpora is not here"),
    arguments: folders)
  func recognisesEveryFile(folder: String, suffix: String, kinds: Set<ForeignKind>, count: Int) throws {
    let path = "\(RecognisedCorpusTests.corpora)/\(folder)"
    let names = try FileSystem.list(path).filter { $0.hasSuffix(suffix) && $0 != "LICENSE" }
    #expect(names.count == count)
    for name in names {
      let found = try Recognised(try FileSystem.read("\(path)/\(name)", limit: Recognised.sizeLimit))
      #expect(kinds.contains(found.kind), "\(name) is \(found.kind.rawValue)")
    }
  }

  @Test(
    .enabled(if: FileSystem.status("\(corpora)/sigstore-bundles") != nil, "not-run: ../shared/corpora is not here"))
  func recognisesBundles() throws {
    let folder = "\(RecognisedCorpusTests.corpora)/sigstore-bundles"
    var count = 0
    for name in try FileSystem.list(folder) {
      let path = "\(folder)/\(name)/bundle.sigstore.json"
      guard FileSystem.status(path) != nil else { continue }
      count += 1
      let found = try Recognised(try FileSystem.read(path, limit: Recognised.sizeLimit))
      #expect(found.kind == .sigstoreBundle, "\(name)")
    }
    #expect(count == 30)
  }
}
