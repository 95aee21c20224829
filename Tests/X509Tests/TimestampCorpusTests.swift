import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import Testing
import Wire
import X509

/// The tokens of Sigstore's conformance suite with the authorities of their trusted roots, in place.
@Suite struct TimestampCorpusTests {
  private static let folder: String = {
    if let named = Host.environment("RUSTYNET_CORPORA") { return "\(named)/sigstore-bundles" }
    let root = Path.folder(of: Path.folder(of: Path.folder(of: #filePath)))
    return "\(Path.folder(of: root))/shared/corpora/sigstore-bundles"
  }()
  private static let isHere = FileSystem.status(folder) != nil

  /// Each case with the codes of what must not hold about its timestamp; the other faults of a bundle are not here.
  private static let cases: [(name: String, root: String?, codes: [String])] = [
    ("intoto-tsa-timestamp-outside-cert-validity_fail", nil, []),
    ("managed-key-happy-path", "production", []), ("managed-key-wrong-key_fail", "production", []),
    ("rekor2-checkpoint-missing-log-signature_fail", nil, []), ("rekor2-checkpoint-origin-not-first", nil, []),
    ("rekor2-checkpoint-two-sigs-cosigned", nil, []), ("rekor2-dsse-happy-path", nil, []),
    ("rekor2-dsse-invalid-sig_fail", nil, []),
    ("rekor2-timestamp-outside-trust-root-tsa-validity_fail", nil, ["timestamp.authority-time"]),
    ("rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", nil, ["timestamp.signer"]),
    ("rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", nil, ["timestamp.signer"]),
    ("rekor2-timestamp-with-embedded-cert", nil, []), ("rekor2-timestamp-with-expired-cert-chain", nil, []),
    ("rekor2-timestamp-with-incorrect-time_fail", nil, []), ("rekor2-timestamp-without-embedded-cert", nil, []),
    ("trust-root-tsa-validity-end-inclusive", nil, []),
  ]

  @Test(.enabled(if: isHere, "not-run: the third-party corpora are not here"), arguments: cases.indices)
  func judgesSigstoreTokens(place: Int) throws {
    let (name, root, codes) = Self.cases[place]
    let path = root.map { "trusted-roots/\($0).trusted_root.json" } ?? "\(name)/trusted_root.json"
    let authorities = try Self.authorities(path)
    let (signature, tokens) = try Self.bundle("\(name)/bundle.sigstore.json")
    #expect(!tokens.isEmpty)
    for bytes in tokens {
      let token = try TimestampToken(parsing: bytes)
      let judgement = token.judge(over: signature, authorities: authorities)
      #expect(judgement.findings.compactMap { $0.problem?.code } == codes, "\(name)")
      #expect(judgement.holds == codes.isEmpty)
      // The control: the same token says nothing about other bytes.
      #expect(!token.judge(over: signature + [0], authorities: authorities).holds)
    }
  }

  /// Every token of the corpus is in the table.
  @Test(.enabled(if: isHere, "not-run: the third-party corpora are not here"))
  func judgesAllOfThem() throws {
    var found: Set<String> = []
    for name in try FileSystem.list(Self.folder) {
      let path = "\(name)/bundle.sigstore.json"
      guard FileSystem.status("\(Self.folder)/\(path)") != nil, !(try Self.bundle(path).tokens.isEmpty) else {
        continue
      }
      found.insert(name)
    }
    #expect(found == Set(Self.cases.map(\.name)))
  }

  private static func authorities(_ path: String) throws -> [TimestampAuthority] {
    let bytes = try FileSystem.read("\(folder)/\(path)", limit: 1 << 20)
    return try JSON.decode(bytes, limits: JSON.Limits(size: 1 << 20)) { reader throws(Problem) in
      var authorities: [TimestampAuthority] = []
      for authority in try reader.member("timestampAuthorities").elements(atMost: 16) {
        var chain: [Certificate] = []
        for element in try authority.member("certChain").member("certificates").elements(atMost: 8) {
          chain.append(try Certificate(der: try element.member("rawBytes").base64()))
        }
        let valid = try authority.member("validFor")
        authorities.append(
          try TimestampAuthority(
            chain: chain, validFrom: try Timestamp(rfc3339: try valid.member("start").text()),
            validUntil: try valid.optional("end").map { end throws(Problem) in try Timestamp(rfc3339: try end.text()) },
            uri: try authority.optional("uri")?.text()))
      }
      return authorities
    }
  }

  private static func bundle(_ path: String) throws -> (signature: [UInt8], tokens: [[UInt8]]) {
    let bytes = try FileSystem.read("\(folder)/\(path)", limit: 1 << 20)
    return try JSON.decode(bytes, limits: JSON.Limits(size: 1 << 20)) { reader throws(Problem) in
      let signature =
        if let message = try reader.optional("messageSignature") {
          try message.member("signature").base64()
        } else {
          try reader.member("dsseEnvelope").member("signatures").elements(atMost: 1)[0].member("sig").base64()
        }
      var tokens: [[UInt8]] = []
      let material = try reader.member("verificationMaterial").optional("timestampVerificationData")
      for element in try material?.optional("rfc3161Timestamps")?.elements(atMost: 16) ?? [] {
        // One case was written by a tool that breaks lines; the token in it is judged all the same.
        let text = try element.member("signedTimestamp").text().filter { $0 != "\n" }
        tokens.append(try Base64.decode(text))
      }
      return (signature, tokens)
    }
  }
}
