import CCrypto
import Cryptography
import Diagnostics

/// CMS signed data (RFC 5652 §5) of one signer inside libcrypto.
///
/// Safe: the message is made here and freed with this value. Verifying changes it, so that it belongs to one task: the
/// type is not `Sendable`, and every judgement reads the bytes anew.
@safe final class SignedMessage {
  private let message: OpaquePointer
  /// The only signer; it belongs to `message`.
  private let signer: OpaquePointer

  /// Reads signed data about a TSTInfo; exactly one signer must be there.
  init(der: [UInt8]) throws(Problem) {
    LibCrypto.ready
    // Safe: d2i reads at most `count` bytes of an array that is alive.
    let parsed: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return unsafe d2i_CMS_ContentInfo(nil, &position, buffer.count)
    }
    defer { ERR_clear_error() }
    guard let parsed = unsafe parsed else { throw SignedMessage.malformed("libcrypto cannot read it") }
    unsafe message = parsed
    guard unsafe OBJ_obj2nid(CMS_get0_type(parsed)) == NID_pkcs7_signed,
      unsafe OBJ_obj2nid(CMS_get0_eContentType(parsed)) == NID_id_smime_ct_TSTInfo
    else {
      // From here on every member has a value, so that the message is freed by `deinit`.
      unsafe signer = parsed
      throw SignedMessage.malformed("it is no signed data about a time")
    }
    // Safe: the stack belongs to the message; its elements live as long.
    let signers = unsafe CMS_get0_SignerInfos(parsed)
    guard unsafe OPENSSL_sk_num(signers) == 1, let only = unsafe OPENSSL_sk_value(signers, 0) else {
      unsafe signer = parsed
      throw .refused(
        "timestamp.signers", "a token has exactly one signer, not \(max(unsafe OPENSSL_sk_num(signers), 0))",
        source: "RFC 3161 §2.4.2")
    }
    unsafe signer = OpaquePointer(only)
  }

  deinit { unsafe CMS_ContentInfo_free(message) }

  /// What was signed.
  func content() throws(Problem) -> [UInt8] {
    guard let place = unsafe CMS_get0_content(message), let content = unsafe place.pointee else {
      throw SignedMessage.malformed("it has no content")
    }
    return unsafe bytes(content)
  }

  /// The certificates that came with it, in DER.
  func certificates(atMost limit: Int) throws(Problem) -> [[UInt8]] {
    guard let stack = unsafe CMS_get1_certs(message) else { return [] }
    let count = Int(unsafe OPENSSL_sk_num(stack))
    defer {
      for index in 0..<count { unsafe X509_free(OpaquePointer(OPENSSL_sk_value(stack, Int32(index)))) }
      unsafe OPENSSL_sk_free(stack)
    }
    guard count <= limit else {
      throw .malformed("timestamp.certificates", "a token has at most \(limit) certificates, not \(count)")
    }
    return (0..<count).map { index in
      let certificate = unsafe OpaquePointer(OPENSSL_sk_value(stack, Int32(index)))
      return unsafe encoding { unsafe i2d_X509(certificate, $0) }
    }
  }

  // MARK: the signer

  /// Whether the message names `certificate` as its signer, by issuer and number or by key identifier.
  func names(_ certificate: Certificate) -> Bool {
    unsafe CMS_SignerInfo_cert_cmp(signer, certificate.handle) == 0
  }

  /// Whether the signed attributes and the content are signed by the key of `certificate` with a hash function that we
  /// take; libcrypto demands the attribute of the content's digest, and `hasContentType` that of its type.
  func isSigned(by certificate: Certificate) -> Bool {
    defer { ERR_clear_error() }
    unsafe CMS_SignerInfo_set1_signer_cert(signer, certificate.handle)
    // The chain is judged elsewhere, against the authority that the reader trusts.
    let flags = UInt32(CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY)
    return unsafe CMS_verify(message, nil, nil, nil, nil, flags) == 1
  }

  /// The name of the signer's hash function, nil where we do not take it.
  var hash: HashAlgorithm? {
    var algorithm: UnsafeMutablePointer<X509_ALGOR>?
    unsafe CMS_SignerInfo_get0_algs(signer, nil, nil, &algorithm, nil)
    return switch unsafe algorithm.map({ unsafe OBJ_obj2nid($0.pointee.algorithm) }) {
    case NID_sha256: .sha256
    case NID_sha384: .sha384
    case NID_sha512: .sha512
    default: nil
    }
  }

  /// Whether the algorithm that the signer states fits its hash function and the key of `certificate`.
  ///
  /// libcrypto goes by the key alone. RFC 3370 §3.2 lets RSA be named without a hash; PSS has it in its parameters.
  func statesAlgorithm(of certificate: Certificate) -> Bool {
    var algorithm: UnsafeMutablePointer<X509_ALGOR>?
    unsafe CMS_SignerInfo_get0_algs(signer, nil, nil, nil, &algorithm)
    guard let algorithm = unsafe algorithm, let hash else { return false }
    let names: [(hash: HashAlgorithm, ecdsa: Int32, rsa: Int32)] = [
      (.sha256, NID_ecdsa_with_SHA256, NID_sha256WithRSAEncryption),
      (.sha384, NID_ecdsa_with_SHA384, NID_sha384WithRSAEncryption),
      (.sha512, NID_ecdsa_with_SHA512, NID_sha512WithRSAEncryption),
    ]
    let stated = unsafe OBJ_obj2nid(algorithm.pointee.algorithm)
    return switch certificate.publicKey.kind {
    case .ecdsaP256, .ecdsaP384: names.contains { $0.hash == hash && $0.ecdsa == stated }
    case .rsa:
      stated == NID_rsaEncryption || stated == NID_rsassaPss
        || names.contains { $0.hash == hash && $0.rsa == stated }
    case .ed25519: stated == NID_ED25519
    }
  }

  /// Whether one signed attribute says that the content is a TSTInfo (RFC 5652 §11.1).
  var hasContentType: Bool {
    let value = unsafe CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT)
    return unsafe OBJ_obj2nid(OpaquePointer(value)) == NID_id_smime_ct_TSTInfo
  }

  /// Whether the signed attribute `signing-certificate`, of either version, names the first of `chain`, and nothing that
  /// is not in `chain` (RFC 2634 §5.4, RFC 5035 §3).
  func namesSigner(among chain: [Certificate]) -> Bool {
    defer { ERR_clear_error() }
    guard let stack = unsafe OPENSSL_sk_new_null() else { fatalError("libcrypto has no memory") }
    defer { unsafe OPENSSL_sk_free(stack) }
    // Safe: the stack holds borrowed pointers, and the certificates outlive this call.
    for certificate in chain { unsafe OPENSSL_sk_push(stack, UnsafeRawPointer(certificate.handle)) }
    defer { withExtendedLifetime(chain) {} }
    let first = attribute(NID_id_smime_aa_signingCertificate)
    let second = attribute(NID_id_smime_aa_signingCertificateV2)
    guard first.isWellFormed, second.isWellFormed else { return false }
    // Safe: as above; what was read is freed here, and freeing nil does nothing.
    let old: OpaquePointer? = unsafe first.value.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return unsafe buffer.isEmpty ? nil : d2i_ESS_SIGNING_CERT(nil, &position, buffer.count)
    }
    let new: OpaquePointer? = unsafe second.value.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return unsafe buffer.isEmpty ? nil : d2i_ESS_SIGNING_CERT_V2(nil, &position, buffer.count)
    }
    defer {
      unsafe ESS_SIGNING_CERT_free(old)
      unsafe ESS_SIGNING_CERT_V2_free(new)
    }
    guard unsafe (old == nil) == first.value.isEmpty, unsafe (new == nil) == second.value.isEmpty else { return false }
    return unsafe OSSL_ESS_check_signing_certs(old, new, stack, 1) == 1
  }

  /// The value of a signed attribute, empty where it is absent; not well-formed where it stands twice or has no value.
  private func attribute(_ identifier: Int32) -> (value: [UInt8], isWellFormed: Bool) {
    let object = unsafe OBJ_nid2obj(identifier)
    guard unsafe CMS_signed_get_attr_by_OBJ(signer, object, -1) >= 0 else { return ([], true) }
    let found = unsafe CMS_signed_get0_data_by_OBJ(signer, object, -3, V_ASN1_SEQUENCE)
    guard let value = unsafe found?.assumingMemoryBound(to: ASN1_STRING.self) else { return ([], false) }
    let bytes = unsafe bytes(value)
    return (bytes, !bytes.isEmpty)
  }

  /// Safe: the string belongs to the message, and its bytes are copied.
  private func bytes(_ string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
  }

  private static func malformed(_ why: String) -> Problem {
    .malformed("timestamp.content", "the token is malformed: \(why)", source: "RFC 3161 §2.4.2; RFC 5652 §5.1")
  }
}
