import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TransparencyLog
import Wire
import X509

// MARK: logs and time

extension SigstoreVerifier.Run {
  /// The checks of one log entry: the log is known, its promise and its proof hold, and it is about this signature.
  mutating func logEntry(_ entry: LogEntry, _ number: Int, verifier: [UInt8]) {
    let id = "log.\(number + 1)"
    guard let log = root.log(of: entry) else {
      fail(
        "\(id).known",
        .refused(
          "log.unknown", "the trusted root does not know the log with the id \(Hex.encode(entry.logID))",
          source: "protobuf-specs, sigstore_trustroot.proto", hint: "is this the trusted root of that instance?"))
      return
    }
    if entry.promise != nil {
      let time = entry.integratedTime?.description ?? "no time"
      let isProved = entry.proof == nil ? "; a promise alone, the bundle has no proof that it was kept" : ""
      let holds = check(
        "\(id).promise", "the log \(log.name) promised to include it at \(time)\(isProved)", found: time,
        source: "Rekor, signed entry timestamp"
      ) { () throws(Problem) in
        try log.requirePromise(of: entry)
        if let time = entry.integratedTime, !log.isTrusted(at: time) {
          throw .refused("log.validity", "the log \(log.name) is not trusted for \(time)")
        }
      }
      if holds, let time = entry.integratedTime { judgement.times.append(time) }
    }
    if let proof = entry.proof {
      check(
        "\(id).proof", "entry \(proof.index) of \(proof.size) of the log \(log.name)",
        found: proof.root.base64, source: "RFC 9162 §2.1.3, C2SP tlog-checkpoint"
      ) { () throws(Problem) in
        // Rekor 2 has one tree, so both indices are one; in Rekor 1 the promise covers the other one.
        guard entry.promise != nil || entry.integratedTime != nil || entry.index == proof.index else {
          throw .refused(
            "log.index", "the entry says \(entry.index), and its proof \(proof.index)", source: "RFC 9162 §2.1.3")
        }
        try log.requireProof(of: entry)
      }
    }
    let (content, artifact) = (bundle.content, artifact)
    check(
      "\(id).entry", "the entry (\(entry.kind) \(entry.kindVersion)) is about this signature and this signer",
      source: "sigstore/rekor, pkg/types"
    ) { () throws(Problem) in
      try LoggedSignature(entry).requireAbout(content, verifier: verifier, artifact: artifact)
    }
  }

  /// A time-stamp token must verify, whatever else says when: a wrong one is no ornament.
  mutating func timestamp(_ token: [UInt8], _ number: Int) {
    do throws(Problem) {
      let time = try TimestampToken(parsing: token).requireTime(
        over: bundle.signature, authorities: try root.usableTimestampAuthorities())
      judgement.times.append(time)
      pass(
        "timestamp.\(number + 1)", "a time-stamp authority saw the signature at \(time)", found: time.description,
        source: "RFC 3161 §2.4.2")
    } catch { fail("timestamp.\(number + 1)", error) }
  }

  /// A log without a time of its own is judged at the times of others.
  mutating func logsAtTheirTimes() {
    for (number, entry) in bundle.entries.enumerated() where entry.promise == nil {
      let logs = root.transparencyLogs.filter { $0.id == entry.logID }
      guard let log = logs.last else { continue }
      for time in judgement.times where !logs.contains(where: { $0.isTrusted(at: time) }) {
        fail(
          "log.\(number + 1).validity",
          .refused("log.validity", "the log \(log.name) is not trusted for \(time)"))
      }
      // With a key nobody has to say when it was; then the log may have written this after the end of trust in it.
      if judgement.times.isEmpty, case .publicKey = bundle.material, !logs.contains(where: { $0.validUntil == nil }),
        let end = log.validUntil
      {
        fail(
          "log.\(number + 1).validity",
          .refused(
            "log.validity", "the log \(log.name) is trusted until \(end), and nobody says that this was before",
            source: "protobuf-specs, sigstore_trustroot.proto"))
      }
    }
  }
}

// MARK: the certificate

extension SigstoreVerifier.Run {
  /// What the certificate says by itself: its use, and whom it names.
  mutating func certificateItself(_ certificate: Certificate) {
    check(
      "certificate.usage", "the certificate is for signing code, and is none of an authority",
      source: "sigstore/fulcio, certificate-specification.md"
    ) { () throws(Problem) in try FulcioCertificate.requireUsage(certificate) }
    let identity: SignerIdentity
    do throws(Problem) { identity = try FulcioCertificate.identity(certificate) } catch {
      fail("identity", error)
      return
    }
    judgement.signer = identity
    guard case .identity(let name, let issuer) = signer else { return }
    judgement.checks.append(
      .equal(
        "identity.name", "identity.name", "whom the certificate names", expected: name, found: identity.name,
        source: "sigstore/fulcio, certificate-specification.md"))
    judgement.checks.append(
      .equal(
        "identity.issuer", "identity.issuer", "who vouched for the identity", expected: issuer,
        found: identity.issuer, source: "sigstore/fulcio, oid-info.md"))
  }

  /// The chain at every time that somebody vouches for, and the timestamp of a certificate log.
  mutating func chain(_ certificate: Certificate, _ others: [Certificate]) {
    let intermediates = others.filter { !$0.isSelfIssued }
    rootsInside(others)
    guard !judgement.times.isEmpty else {
      judgement.checks.append(
        .failed(
          "time", "time.unknown", "nobody whom the trusted root knows says when this was signed",
          source: "sigstore client-spec.md, “Establishing a Time for the Signature”"))
      return
    }
    var issuer: Certificate?
    let root = root
    for time in Set(judgement.times).sorted() {
      let source = "RFC 5280 §6.1; sigstore client-spec.md"
      check(
        "certificate.chain", "the certificate was valid, and issued by an authority of the trusted root, at \(time)",
        expected: "\(certificate.notBefore) to \(certificate.notAfter)", found: time.description, source: source
      ) { () throws(Problem) in
        guard certificate.isValid(at: time) else {
          throw .refused(
            "certificate.expired", "the signature is of \(time), outside of the certificate's validity",
            source: "RFC 5280 §4.1.2.5")
        }
        issuer = try root.authority(issuing: certificate, through: intermediates, at: time)
      }
    }
    guard let issuer else { return }
    certificateLog(certificate, issuer: issuer)
  }

  private mutating func check(
    _ id: String, _ message: String, expected: String, found: String, source: String, _ body: () throws(Problem) -> Void
  ) {
    do throws(Problem) {
      try body()
      pass(id, message, expected: expected, found: found, source: source)
    } catch {
      judgement.checks.append(
        .failed(
          id, error.code, error.message, expected: expected, found: found, source: error.source ?? source,
          hint: error.hint))
    }
  }

  /// Roots in a bundle prove nothing. Bundles of version 0.1 are known to carry the root that is trusted anyway; every
  /// other one is refused.
  private mutating func rootsInside(_ others: [Certificate]) {
    for certificate in others where certificate.isSelfIssued {
      let isTrusted = root.certificateAuthorities.contains { $0.chain.contains(certificate) }
      if isTrusted && bundle.version == .v01 { continue }
      fail(
        "certificate.root",
        .refused(
          "bundle.root-certificate", "the bundle brings a root certificate of its own",
          source: "protobuf-specs, sigstore_common.proto, X509CertificateChain"))
    }
  }

  /// At least one timestamp of a known certificate log must hold.
  private mutating func certificateLog(_ certificate: Certificate, issuer: Certificate) {
    var problem = Problem.refused(
      "certificate.sct", "the certificate carries no timestamp of a certificate log that is known",
      source: "RFC 6962 §3.3")
    do throws(Problem) {
      for timestamp in try CertificateTimestamp.list(in: certificate) {
        for log in root.certificateLogs where log.id == timestamp.logID {
          do throws(Problem) {
            try timestamp.require(log, for: certificate, issuer: issuer)
            pass("certificate.sct", "the certificate log \(log.name) saw the certificate", source: "RFC 6962 §3.2")
            return
          } catch { problem = error }
        }
      }
    } catch { problem = error }
    fail("certificate.sct", problem)
  }
}

extension TrustedRoot {
  /// The certificate that issued `certificate`, by the first authority that accepts it; else the problem of the last
  /// one with the right name.
  func authority(
    issuing certificate: Certificate, through intermediates: [Certificate], at time: Timestamp
  ) throws(Problem) -> Certificate {
    var problem = Problem.refused(
      "certificate.chain", "no authority of the trusted root issued the certificate", source: "RFC 5280 §6.1",
      hint: "is this the trusted root of that instance?")
    for trusted in certificateAuthorities {
      let candidates = trusted.chain.prefix(1) + intermediates
      guard candidates.contains(where: { $0.isIssuerByName(of: certificate) }) else { continue }
      do throws(Problem) {
        return try trusted.authority().issuer(of: certificate, through: intermediates, at: time)
      } catch { problem = error }
    }
    throw problem
  }

  /// The time-stamp authorities whose chains hold together; the problem of the first one where none does.
  func usableTimestampAuthorities() throws(Problem) -> [TimestampAuthority] {
    var usable: [TimestampAuthority] = []
    var problem: Problem?
    for one in timestampAuthorities {
      do throws(Problem) { usable.append(try one.authority()) } catch { problem = problem ?? error }
    }
    if usable.isEmpty, let problem { throw problem }
    return usable
  }
}
