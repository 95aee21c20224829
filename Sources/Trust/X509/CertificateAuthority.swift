import CCrypto
import Cryptography
public import Diagnostics
public import Wire

/// A certificate authority that the reader trusts: its chain, issuing certificate first and root last, and the time in
/// which it is trusted.
///
/// Signature and constraints of its own chain are judged once, when it is made; a certificate is then judged against
/// the issuing certificate alone, which costs one verification and not one for each link.
public struct CertificateAuthority: Sendable {
  /// From the issuing certificate to the root; at least one.
  public let chain: [Certificate]
  /// The first second of trust.
  public let validFrom: Timestamp
  /// The last second of trust, nil while it lasts.
  public let validUntil: Timestamp?
  private let store: CertificateStore

  /// An authority whose chain holds together.
  ///
  /// - Throws: `authority.chain` when a certificate of the chain is not issued by the next one, or is no authority.
  public init(chain: [Certificate], validFrom: Timestamp, validUntil: Timestamp?) throws(Problem) {
    guard let issuing = chain.first, let root = chain.last, chain.count <= 8 else {
      throw .malformed("authority.empty", "a certificate authority needs 1 to 8 certificates")
    }
    guard chain.allSatisfy(\.isAuthority) else {
      throw .malformed(
        "authority.constraints", "a certificate of the chain is no certificate authority", source: "RFC 5280 §4.2.1.9")
    }
    if chain.count > 1 {
      let anchors = try CertificateStore([root])
      if let reason = anchors.refusal(of: issuing, through: Array(chain.dropFirst().dropLast()), at: nil) {
        throw .malformed("authority.chain", "the authority's chain does not hold together: \(reason)")
      }
    }
    self.chain = chain
    self.validFrom = validFrom
    self.validUntil = validUntil
    store = try CertificateStore([issuing])
  }

  /// Whether the authority is trusted at `time`: a closed interval, both ends included.
  public func isTrusted(at time: Timestamp) -> Bool { validFrom <= time && time <= validUntil ?? .latest }

  /// The certificate that issued `leaf`: this authority's, or one of `intermediates` that it certified. Everything in
  /// the chain was valid at `time` (RFC 5280 §6); refuses with libcrypto's reason otherwise.
  public func issuer(
    of leaf: Certificate, through intermediates: [Certificate] = [], at time: Timestamp
  ) throws(Problem) -> Certificate {
    guard isTrusted(at: time) else {
      throw .refused(
        "authority.validity", "the authority is trusted from \(validFrom) to \(validUntil ?? .latest), not at \(time)")
    }
    for certificate in chain where !certificate.isValid(at: time) {
      throw .refused(
        "authority.expired",
        "a certificate of the authority is valid from \(certificate.notBefore) to \(certificate.notAfter), not at \(time)",
        source: "RFC 5280 §6.1.3")
    }
    var reason = ""
    for candidates in CertificateAuthority.orders(of: intermediates, for: leaf) {
      switch store.chain(of: leaf, through: candidates, at: time) {
      case .issued(let place): return place.map { candidates[$0] } ?? chain[0]
      case .refused(let why): reason = why
      }
    }
    throw .refused(
      "certificate.chain", "this authority did not issue the certificate for \(time): \(reason)",
      source: "RFC 5280 §6.1")
  }

  /// The intermediates with each one first that has the issuer's name: libcrypto takes the first with that name, and
  /// does not try another one of the same name, whose key it may be.
  private static func orders(of intermediates: [Certificate], for leaf: Certificate) -> [[Certificate]] {
    let named = intermediates.filter { $0.isIssuerByName(of: leaf) }
    guard named.count > 1 else { return [intermediates] }
    return named.map { one in [one] + intermediates.filter { $0 != one } }
  }
}

extension Certificate {
  /// Whether names and key identifiers make this the issuer of `other`; its signature is not looked at.
  public func isIssuerByName(of other: Certificate) -> Bool {
    unsafe X509_check_issued(handle, other.handle) == X509_V_OK
  }
}

/// Trusted certificates inside libcrypto.
///
/// Safe: the store is filled here and never changed afterwards; libcrypto locks what it looks up in it.
@safe final class CertificateStore: @unchecked Sendable {
  private let store: OpaquePointer

  /// Trusts each of `anchors`, whether it is self-signed or not.
  init(_ anchors: [Certificate]) throws(Problem) {
    LibCrypto.ready
    guard let store = unsafe X509_STORE_new() else { fatalError("libcrypto has no memory") }
    unsafe self.store = store
    for anchor in anchors {
      guard unsafe X509_STORE_add_cert(store, anchor.handle) == 1 else {
        throw .couldNotRun("authority.store", "libcrypto does not take a certificate")
      }
    }
  }

  deinit { unsafe X509_STORE_free(store) }

  /// What came of building a chain.
  enum Chain {
    /// It holds; the place of the issuing certificate among the intermediates, nil where an anchor issued the leaf.
    case issued(by: Int?)
    /// libcrypto's reason.
    case refused(String)
  }

  /// Why `leaf` is not issued by an anchor, directly or through `intermediates`; nil when it is.
  ///
  /// - Parameter time: when everything must be valid; nil judges signatures, names and constraints alone.
  func refusal(of leaf: Certificate, through intermediates: [Certificate], at time: Timestamp?) -> String? {
    if case .refused(let reason) = chain(of: leaf, through: intermediates, at: time) { reason } else { nil }
  }

  /// The chain from `leaf` to an anchor, directly or through `intermediates`.
  func chain(of leaf: Certificate, through intermediates: [Certificate], at time: Timestamp?) -> Chain {
    guard let context = unsafe X509_STORE_CTX_new(), let others = unsafe OPENSSL_sk_new_null() else {
      fatalError("libcrypto has no memory")
    }
    defer {
      unsafe X509_STORE_CTX_free(context)
      unsafe OPENSSL_sk_free(others)
      ERR_clear_error()
    }
    // Safe: the stack holds borrowed pointers, and the certificates outlive this call.
    for certificate in intermediates { unsafe OPENSSL_sk_push(others, UnsafeRawPointer(certificate.handle)) }
    defer { withExtendedLifetime((leaf, intermediates)) {} }
    guard unsafe X509_STORE_CTX_init(context, store, leaf.handle, others) == 1 else {
      return .refused("libcrypto cannot start")
    }
    let parameters = unsafe X509_STORE_CTX_get0_param(context)
    // An anchor need not be self-signed: the issuing certificate is one, and its own chain was judged before.
    var flags = UInt(X509_V_FLAG_PARTIAL_CHAIN)
    if let time {
      unsafe X509_VERIFY_PARAM_set_time(parameters, time_t(time.seconds))
    } else {
      flags |= UInt(X509_V_FLAG_NO_CHECK_TIME)
    }
    unsafe X509_VERIFY_PARAM_set_flags(parameters, flags)
    unsafe X509_VERIFY_PARAM_set_depth(parameters, 8)
    // 112 bits for keys and digests (P1-10); left to itself libcrypto takes certificates signed over SHA-1.
    unsafe X509_VERIFY_PARAM_set_auth_level(parameters, 2)
    if unsafe X509_verify_cert(context) == 1 {
      // Of several certificates with one name the chain has the one whose key signed.
      let issuer = unsafe OpaquePointer(OPENSSL_sk_value(X509_STORE_CTX_get0_chain(context), 1))
      return .issued(by: intermediates.firstIndex { unsafe $0.handle == issuer })
    }
    let code = unsafe X509_STORE_CTX_get_error(context)
    return .refused(
      unsafe X509_verify_cert_error_string(Int(code)).map { unsafe String(cString: $0) } ?? "error \(code)")
  }
}
