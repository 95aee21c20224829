import CCrypto
import Cryptography
import Wire

/// The rules about the signer of a token, one function each.
extension TimestampToken {
  /// The signature over the signed attributes, their digest of the content and its type (RFC 5652 §5.4, §11).
  func judgeSignature(_ message: SignedMessage, _ signer: Certificate) -> TimestampJudgement.Finding {
    let reason: (code: String, why: String)? =
      if message.hash == nil {
        ("timestamp.digest", "the signature's hash function is not SHA-256, SHA-384 or SHA-512")
      } else if !message.hasContentType {
        ("timestamp.content", "the signed attributes do not say that a time was signed")
      } else if !message.statesAlgorithm(of: signer) {
        ("timestamp.algorithm", "the stated signature algorithm does not fit the hash function or the signer's key")
      } else if !message.isSigned(by: signer) {
        ("timestamp.signature", "the signature does not verify with the signer's key")
      } else {
        nil
      }
    return finding(
      "timestamp.signature", "the signature verifies", message.hash?.rawValue, reason?.code, reason?.why ?? "",
      "RFC 5652 §5.4")
  }

  /// The extended key usage is critical and holds the one purpose, and a key usage allows signatures and no more.
  func judgePurpose(_ signer: Certificate) -> TimestampJudgement.Finding {
    let usages = (try? signer.extendedKeyUsages()) ?? []
    let isCritical = signer[Certificate.OID.extendedKeyUsage]?.isCritical ?? false
    // libcrypto's own rule too: it looks at the key usage.
    let isFit = unsafe X509_check_purpose(signer.handle, X509_PURPOSE_TIMESTAMP_SIGN, 0) == 1
    return finding(
      "timestamp.purpose", "the signer's certificate is for timestamps alone", usages.joined(separator: ", "),
      isCritical && usages == [Certificate.OID.timeStamping] && isFit ? nil : "timestamp.purpose",
      "the signer's certificate does not say, critically, that it is for timestamps and nothing else",
      "RFC 3161 §2.3")
  }

  /// Where the token names its authority, the signer's certificate has that name.
  func judgeName(_ signer: Certificate) -> TimestampJudgement.Finding {
    finding(
      "timestamp.name", info.authority == nil ? "the token names no authority" : "the token names its signer", nil,
      info.authority.map { signer.bears($0) } ?? true ? nil : "timestamp.name",
      "the token names another authority than the one that signed it", "RFC 3161 §2.4.2")
  }

  /// Signatures, names, constraints and critical extensions from the signer up to the authority (RFC 5280 §6).
  func judgeChain(
    _ signer: Certificate, _ authority: TimestampAuthority, _ embedded: [Certificate]
  ) -> TimestampJudgement.Finding {
    // A certificate from the token is a link only if it was valid then, and not for other purposes alone.
    let links = embedded.filter { $0.isAuthority && isInside($0.notBefore, $0.notAfter) && $0.maySignForTimestamps }
    // A pinned signer's chain was judged when the authority was made.
    let reason = signer == authority.signer ? nil : authority.anchors.refusal(of: signer, through: links, at: nil)
    return finding(
      "timestamp.chain", "the authority issued the signer's certificate", authority.uri,
      reason == nil ? nil : "timestamp.chain", "the authority did not issue the signer's certificate: \(reason ?? "")",
      "RFC 5280 §6.1")
  }

  /// Each certificate up to the root was valid at the time of the token; a fraction after the last second is too late.
  func judgeValidity(_ path: [Certificate]) -> TimestampJudgement.Finding {
    let bad = path.first { !isInside($0.notBefore, $0.notAfter) }
    return finding(
      "timestamp.certificate-time", "the certificates were valid at the token's time", timeText,
      bad == nil ? nil : "timestamp.certificate-time",
      "a certificate was valid from \(bad?.notBefore ?? .latest) to \(bad?.notAfter ?? .latest) only",
      "RFC 5280 §6.1.3")
  }

  /// The reader trusts the authority at the time of the token.
  func judgeAuthorityTime(_ authority: TimestampAuthority) -> TimestampJudgement.Finding {
    let until = authority.validUntil ?? .latest
    return finding(
      "timestamp.authority-time", "the authority was trusted at the token's time", timeText,
      isInside(authority.validFrom, until) ? nil : "timestamp.authority-time",
      "the authority is trusted from \(authority.validFrom) to \(until) only", "Sigstore trusted root, validFor")
  }

  /// The token's time with its fraction.
  private var timeText: String {
    info.fraction.isEmpty
      ? info.time.description : "\(info.time.description.dropLast()).\(info.fraction)Z"
  }

  /// Whether the time lies in the closed interval.
  private func isInside(_ start: Timestamp, _ end: Timestamp) -> Bool {
    start <= info.time && (info.time < end || info.time == end && info.fraction.isEmpty)
  }
}

extension Certificate {
  /// Whether an extended key usage, where it is there, leaves timestamps to those whom this authority certifies.
  var maySignForTimestamps: Bool {
    guard self[OID.extendedKeyUsage] != nil else { return true }
    let anyPurpose = "2.5.29.37.0"
    return (try? extendedKeyUsages())??.contains { $0 == OID.timeStamping || $0 == anyPurpose } ?? false
  }

  /// Whether this GeneralName is the subject or one of its alternative names (RFC 3161 §2.4.2, `tsa`).
  func bears(_ name: [UInt8]) -> Bool {
    guard let element = try? DER.elements(name, atMost: 1).first else { return false }
    guard element.tag == 0xa4 else {
      let names = self[OID.subjectAlternativeName].flatMap { try? DER.single($0.value, tag: DER.Tag.sequence) }
      return (names.flatMap { try? DER.elements($0) } ?? []).contains(element)
    }
    // Safe: d2i reads at most `count` bytes of an array that is alive, and returns a value that is freed here.
    let parsed: OpaquePointer? = unsafe element.content.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return unsafe d2i_X509_NAME(nil, &position, buffer.count)
    }
    defer {
      unsafe X509_NAME_free(parsed)
      ERR_clear_error()
    }
    guard let parsed = unsafe parsed else { return false }
    return unsafe X509_NAME_cmp(parsed, X509_get_subject_name(handle)) == 0
  }
}
