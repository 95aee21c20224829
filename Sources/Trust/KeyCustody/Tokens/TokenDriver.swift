import CPKCS11
import Diagnostics
import Glibc

/// A PKCS #11 driver, loaded and initialised; the sessions of one process share its state, so that it has one owner.
///
/// Safe: the functions come from the driver's own table, which lives as long as the driver is loaded, and the driver is
/// unloaded only when this value goes. Every call is made by the one owner, `TokenSession`, never by two threads.
@safe struct TokenDriver: ~Copyable {
  private let library: UnsafeMutableRawPointer
  private let functions: CK_FUNCTION_LIST
  private let isOurs: Bool

  /// Loads the driver that an address names. It runs inside this process: whoever names one trusts it.
  init(_ driver: TokenURI.Driver) throws(Problem) {
    let names: [String] =
      switch driver {
      case .path(let path): [path]
      case .name(let name): ["\(name).so", "lib\(name).so"]
      case .system: ["p11-kit-proxy.so"]
      }
    // Safe: dlopen copies the name; the function is looked up by the name and type that PKCS #11 gives it.
    let opened = unsafe names.lazy.compactMap { unsafe dlopen($0, RTLD_NOW | RTLD_LOCAL) }.first
    guard let library = unsafe opened else {
      throw .malformed(
        "pkcs11.driver", "the driver of the token cannot be loaded", place: names.joined(separator: ", "),
        hint: "name it in the address: ?module-path=/usr/lib/softhsm/libsofthsm2.so")
    }
    guard let symbol = unsafe dlsym(library, "C_GetFunctionList") else {
      unsafe dlclose(library)
      throw .malformed("pkcs11.driver", "this library is no PKCS #11 driver", place: names[0])
    }
    let getList = unsafe unsafeBitCast(symbol, to: CK_C_GetFunctionList.self)
    var list: UnsafeMutablePointer<CK_FUNCTION_LIST>?
    guard unsafe getList(&list) == CKR_OK, let list = unsafe list, unsafe list.pointee.version.major == 2 else {
      unsafe dlclose(library)
      throw .malformed("pkcs11.driver", "the driver does not speak PKCS #11 version 2", place: names[0])
    }
    // The driver may be used by other code in this process: it makes its own locks.
    var arguments = unsafe CK_C_INITIALIZE_ARGS()
    unsafe arguments.flags = CK_FLAGS(CKF_OS_LOCKING_OK)
    let result = unsafe list.pointee.C_Initialize(&arguments)
    // Another key of this process may have initialised it: then it is not ours to finalise.
    guard result == CKR_OK || result == CKR_CRYPTOKI_ALREADY_INITIALIZED else {
      unsafe dlclose(library)
      throw TokenDriver.problem("C_Initialize", result)
    }
    isOurs = result == CKR_OK
    // Last, so that a value that was not made is not finalised either.
    unsafe self.library = library
    functions = unsafe list.pointee
  }

  deinit {
    if isOurs { _ = functions.C_Finalize(nil) }
    unsafe dlclose(library)
  }

  /// Calls one function of the driver; anything but success is a problem that holds the number and no secret.
  func call(_ name: String, _ body: (CK_FUNCTION_LIST) -> CK_RV) throws(Problem) {
    let result = body(functions)
    guard result == CKR_OK else { throw TokenDriver.problem(name, result) }
  }

  /// Calls one function whose failure does not matter: to close, to end a search, to log out.
  func attempt(_ body: (CK_FUNCTION_LIST) -> CK_RV) { _ = body(functions) }

  /// What a return value means to a user (PKCS #11 v2.40 §5.1).
  static func problem(_ name: String, _ value: CK_RV) -> Problem {
    let number = "0x" + String(value, radix: 16)
    switch value {
    case CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE:
      return .refused(
        "pkcs11.pin", "the token does not take this PIN", source: "P1-13",
        hint: "it was tried once; a token locks itself after a few wrong ones")
    case CKR_PIN_LOCKED: return locked
    case CKR_PIN_EXPIRED: return .refused("pkcs11.pin-expired", "the PIN of the token has expired")
    case CKR_USER_PIN_NOT_INITIALIZED: return .malformed("pkcs11.pin-missing", "the token has no PIN of a user yet")
    case CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_SESSION_CLOSED, CKR_SESSION_HANDLE_INVALID,
      CKR_TOKEN_NOT_RECOGNIZED, CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN:
      return .couldNotRun("pkcs11.gone", "the token or its key is there no longer (\(name): \(number))")
    case CKR_MECHANISM_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED:
      return .refused(
        "pkcs11.mechanism", "the token does not sign with this key by this algorithm (\(name): \(number))",
        hint: "ECDSA P-256, ECDSA P-384 and Ed25519 keys with CKA_SIGN sign for us")
    default: return .couldNotRun("pkcs11.failed", "the driver of the token failed (\(name): \(number))")
    }
  }

  /// The token takes no PIN any more.
  static var locked: Problem {
    .refused(
      "pkcs11.pin-locked", "the token is locked: too many wrong PINs were tried",
      hint: "its security officer can set a new PIN")
  }
}
