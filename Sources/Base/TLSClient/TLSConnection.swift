import CSSL
public import Diagnostics

/// What a TLS client demands of a server: a chain to known roots, its name, and perhaps one of some public keys.
@safe
public final class TLSContext {
  // Safe: made once, released with this object, and used by connections that hold the object.
  fileprivate let pointer: OpaquePointer

  /// A context with TLS 1.2 at least (RFC 7858, 3.2; RFC 9325, 3.1.1).
  ///
  /// `roots` is a PEM file; nil takes those of the system. Throws `tls.roots` when it cannot be read.
  public init(roots: String?) throws(Problem) {
    guard let context = unsafe SSL_CTX_new(TLS_client_method()) else {
      throw .couldNotRun("tls.library", "libssl has no client")
    }
    unsafe pointer = context
    unsafe _ = rn_ssl_set_minimum(context, TLS1_2_VERSION)
    unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    // What was queued may be handed over from another place next time.
    unsafe _ = rn_ssl_set_mode(context, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
    let loaded: Int32
    if let roots {
      loaded = unsafe SSL_CTX_load_verify_locations(context, roots, nil)
    } else {
      loaded = unsafe SSL_CTX_set_default_verify_paths(context)
    }
    ERR_clear_error()
    guard loaded == 1 else {
      throw .malformed("tls.roots", "no certificates can be read", place: roots ?? "the system")
    }
  }

  deinit { unsafe SSL_CTX_free(pointer) }
}

/// A TLS connection over a socket that does not block.
@safe
public struct TLSConnection: ~Copyable {
  /// How a step ended.
  public enum Step: Sendable, Equatable {
    case done(Int)
    case wantsRead, wantsWrite
    /// The connection is over; the text says why, for people.
    case failed(String)
  }

  // Safe: made once, released with this value, which cannot be copied.
  private let pointer: OpaquePointer
  private let context: TLSContext
  private let pins: [[UInt8]]

  /// A connection to the server called `name`, over the connected socket `descriptor`, which stays the caller's.
  ///
  /// `pins` are SHA-256 digests of public keys (RFC 7858, appendix A); the certificate must have one, if there are any.
  public init(_ context: TLSContext, descriptor: Int32, name: String, pins: [[UInt8]]) throws(Problem) {
    unsafe pointer = try TLSConnection.make(context, descriptor, name)
    self.context = context
    self.pins = pins
  }

  private static func make(_ context: TLSContext, _ descriptor: Int32, _ name: String) throws(Problem) -> OpaquePointer
  {
    guard let ssl = unsafe SSL_new(context.pointer) else {
      throw .couldNotRun("tls.library", "libssl gives no connection")
    }
    // The certificate must be for this very name; wildcards count for a whole label alone.
    unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    guard unsafe SSL_set1_host(ssl, name) == 1, unsafe rn_ssl_set_server_name(ssl, name) == 1,
      unsafe SSL_set_fd(ssl, descriptor) == 1
    else {
      unsafe SSL_free(ssl)
      throw .malformed("tls.name", "“\(name)” cannot be the name of a server")
    }
    unsafe SSL_set_connect_state(ssl)
    return unsafe ssl
  }

  deinit { unsafe SSL_free(pointer) }

  /// Goes on with the handshake; `done` when the server has proved its name and its key.
  public func handshake() -> Step {
    ERR_clear_error()
    let result = unsafe SSL_do_handshake(pointer)
    guard result == 1 else { return step(result) }
    guard unsafe SSL_get_verify_result(pointer) == Int(X509_V_OK) else {
      return .failed("the certificate does not verify")
    }
    guard pins.isEmpty || hasPinnedKey() else { return .failed("the server's public key is not one of those pinned") }
    return .done(0)
  }

  /// Reads what has come into the room behind `offset`.
  public func read(into buffer: inout [UInt8], at offset: Int) -> Step {
    ERR_clear_error()
    let result = unsafe buffer.withUnsafeMutableBytes { bytes in
      // Safe: libssl writes no more than there is room for.
      unsafe SSL_read(pointer, bytes.baseAddress.map { unsafe $0 + offset }, Int32(clamping: bytes.count - offset))
    }
    return result > 0 ? .done(Int(result)) : step(result)
  }

  /// Writes what it can of `bytes` from `offset`.
  public func write(_ bytes: [UInt8], from offset: Int) -> Step {
    ERR_clear_error()
    let result = unsafe bytes.withUnsafeBytes { bytes in
      unsafe SSL_write(pointer, bytes.baseAddress.map { unsafe $0 + offset }, Int32(clamping: bytes.count - offset))
    }
    return result > 0 ? .done(Int(result)) : step(result)
  }

  private func hasPinnedKey() -> Bool {
    guard let certificate = unsafe rn_ssl_peer(pointer) else { return false }
    defer { unsafe X509_free(certificate) }
    var encoded: UnsafeMutablePointer<UInt8>?
    let length = unsafe i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded)
    guard length > 0, let bytes = unsafe encoded else { return false }
    defer { unsafe CRYPTO_free(encoded, "", 0) }
    var digest = [UInt8](repeating: 0, count: 32)
    // Safe: SHA-256 writes 32 octets.
    let isDigested = unsafe digest.withUnsafeMutableBufferPointer { out in
      unsafe EVP_Digest(bytes, Int(length), out.baseAddress, nil, EVP_sha256(), nil) == 1
    }
    return isDigested && pins.contains(digest)
  }

  private func step(_ result: Int32) -> Step {
    switch unsafe SSL_get_error(pointer, result) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    default:
      let verdict = unsafe SSL_get_verify_result(pointer)
      if verdict != Int(X509_V_OK), let text = unsafe X509_verify_cert_error_string(verdict) {
        return .failed(unsafe String(cString: text))
      }
      let reason = unsafe ERR_reason_error_string(ERR_get_error()).map { unsafe String(cString: $0) }
      return .failed(reason ?? "the connection was closed")
    }
  }
}
