import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import SupplyChain
import Wire

/// One kind of document that can hold an attestation.
protocol AttestationReader {
  /// Whether this is a document of the kind; what is nobody's is ignored and listed (in-toto bundle specification).
  func recognises(_ document: JSONObject) -> Bool
  /// Verifies it: the attestation, or why it is none. Its checks name every failure.
  func read(_ bytes: [UInt8], label: String) throws(Problem) -> (VerifiedAttestation?, [Check])
}

/// Envelopes signed by keys of a trust file.
struct EnvelopeReader: AttestationReader {
  let trust: TrustFile?
  let time: Timestamp

  func recognises(_ document: JSONObject) -> Bool { document["payloadType"] != nil }

  func read(_ bytes: [UInt8], label: String) throws(Problem) -> (VerifiedAttestation?, [Check]) {
    let envelope = try Envelope(parsing: bytes)
    try envelope.requireStatement(in: label)
    guard let trust else {
      throw .refused("policy.no-trust", "an envelope signed by a key needs a trust file", hint: "name it with --trust")
    }
    var roles: [Role: [String]] = [:]
    for role in trust.roles.keys {
      let signers = trust.signers(of: envelope, role: role, at: time, for: trust.profile)
      if !signers.isEmpty { roles[role] = signers }
    }
    guard !roles.isEmpty else {
      throw .refused("signature.unknown", "no signature is by a usable key of the trust file", source: "V5")
    }
    let statement = try Statement(parsing: envelope.payload, allowsIdentifiersOnly: true)
    let names = Set(roles.values.joined()).sorted().joined(separator: ", ")
    return (
      VerifiedAttestation(label: label, statement: statement, signer: .principals(roles), time: nil),
      [.passed("signature", "signed by \(names)", source: "DSSE protocol.md")]
    )
  }
}

/// Sigstore bundles with a certificate.
struct BundleReader: AttestationReader {
  let verifier: SigstoreVerifier
  let artifact: SignedArtifact

  func recognises(_ document: JSONObject) -> Bool {
    document["verificationMaterial"] != nil && document["dsseEnvelope"] != nil
  }

  func read(_ bytes: [UInt8], label: String) throws(Problem) -> (VerifiedAttestation?, [Check]) {
    let bundle = try SigstoreBundle(parsing: bytes)
    let judgement = verifier.judge(bundle, artifact: artifact, signer: .judgedByCaller)
    // What it speaks of is the policy's matter: some attestations are tied to the artifact by a join only.
    let checks = judgement.checks.filter { !$0.id.hasPrefix("subject") }
    guard checks.outcome == .passed, let statement = judgement.statement, let signer = judgement.signer else {
      return (nil, judgement.checks)
    }
    return (
      VerifiedAttestation(
        // The earliest: anybody can have an old signature stamped anew.
        label: label, statement: statement, signer: .certificate(signer), time: judgement.times.min()), checks
    )
  }
}

/// Files and folders of attestations, one in a file or one in a line.
struct AttestationFiles {
  /// The largest number of documents.
  static let limit = 1024

  let readers: [any AttestationReader]
  private(set) var verified: [VerifiedAttestation] = []
  /// What became of each document, in order.
  private(set) var checks: [Check] = []
  private var count = 0

  init(readers: [any AttestationReader]) { self.readers = readers }

  /// Reads a file, or every file of a folder in the order of their names.
  mutating func read(_ path: String) throws(Problem) {
    if FileSystem.status(path)?.kind == .directory {
      for name in try FileSystem.list(path).sorted() where FileSystem.status("\(path)/\(name)")?.kind == .regular {
        try read(file: "\(path)/\(name)", label: name)
      }
    } else {
      try read(file: path, label: Path.name(of: path))
    }
  }

  private mutating func read(file: String, label: String) throws(Problem) {
    let bytes = try FileSystem.read(file, limit: 64 << 20)
    // A file is one document, or a document in each line; a line that is none is skipped by others too.
    if let object = AttestationFiles.object(bytes) { return try read(object, bytes, label: label) }
    for (index, line) in bytes.split(separator: 0x0a).enumerated() {
      let name = "\(label)#\(index + 1)"
      if let object = AttestationFiles.object(Array(line)) {
        try read(object, Array(line), label: name)
      } else {
        try ignore(name)
      }
    }
  }

  private static func object(_ bytes: [UInt8]) -> JSONObject? {
    guard case .object(let object)? = try? JSON(parsing: bytes, limits: SigstoreBundle.limits) else { return nil }
    return object
  }

  private mutating func read(_ object: JSONObject, _ bytes: [UInt8], label: String) throws(Problem) {
    guard let reader = readers.first(where: { $0.recognises(object) }) else { return try ignore(label) }
    try countOne()
    do throws(Problem) {
      let (attestation, found) = try reader.read(bytes, label: label)
      if let attestation {
        verified.append(attestation)
        checks.append(
          .passed("file.\(label)", "verified", found: attestation.statement.predicateType, source: found.first?.source))
      } else {
        let reasons = found.filter { $0.outcome != .passed }.map { "\($0.message) [\($0.code)]" }
        list(label, reasons.joined(separator: "; "))
      }
    } catch { list(label, "\(error.message) [\(error.code)]") }
  }

  /// What does not verify counts for nothing, as if it were not there: whether it was needed, the policy says.
  private mutating func list(_ label: String, _ reason: String) {
    checks.append(.passed("file.\(label)", "not counted: \(reason)"))
  }

  private mutating func ignore(_ label: String) throws(Problem) {
    try countOne()
    checks.append(.passed("file.\(label)", "ignored: no document that we recognise"))
  }

  private mutating func countOne() throws(Problem) {
    count += 1
    guard count <= AttestationFiles.limit else {
      throw .malformed("policy.too-many", "there are more than \(AttestationFiles.limit) documents")
    }
  }
}
