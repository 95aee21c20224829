import CPKCS11
import Cryptography
import Diagnostics
import StrictJSON

/// One session with one token. PKCS #11 sessions are not thread-safe: `TokenKey` owns it and lets one call in at a time.
struct TokenSession: ~Copyable {
  private let driver: TokenDriver
  private let session: CK_SESSION_HANDLE
  /// What the driver says of the token.
  let facts: TokenFacts
  private let flags: CK_FLAGS

  /// The largest number of slots that are looked at.
  private static let slotLimit = 256

  /// Opens a session with the one token that fits `wanted`.
  init(_ driver: consuming TokenDriver, token wanted: TokenURI.Token) throws(Problem) {
    var matches: [(slot: CK_SLOT_ID, facts: TokenFacts, flags: CK_FLAGS)] = []
    for slot in try TokenSession.slots(driver) where wanted.slot == nil || wanted.slot == UInt(slot) {
      let (facts, flags) = try TokenSession.facts(of: slot, driver)
      guard flags & CK_FLAGS(CKF_TOKEN_INITIALIZED) != 0, facts.fits(wanted) else { continue }
      matches.append((slot, facts, flags))
    }
    guard let match = matches.first else {
      throw .malformed(
        "pkcs11.no-token", "no token fits the address", hint: "p11tool --list-tokens shows what is there")
    }
    guard matches.count == 1 else {
      throw .malformed(
        "pkcs11.ambiguous-token", "\(matches.count) tokens fit the address", hint: "add serial= or token= to it")
    }
    var session: CK_SESSION_HANDLE = 0
    try driver.call("C_OpenSession") {
      unsafe $0.C_OpenSession(match.slot, CK_FLAGS(CKF_SERIAL_SESSION), nil, nil, &session)
    }
    self.driver = driver
    self.session = session
    facts = match.facts
    flags = match.flags
  }

  deinit {
    driver.attempt { $0.C_Logout(session) }
    driver.attempt { $0.C_CloseSession(session) }
  }

  private static func slots(_ driver: borrowing TokenDriver) throws(Problem) -> [CK_SLOT_ID] {
    var count: CK_ULONG = 0
    try driver.call("C_GetSlotList") { unsafe $0.C_GetSlotList(CK_BBOOL(CK_TRUE), nil, &count) }
    guard count <= slotLimit else { throw .refused("pkcs11.slots", "the driver has \(count) slots with tokens") }
    guard count > 0 else { return [] }
    var slots = [CK_SLOT_ID](repeating: 0, count: Int(count))
    // Safe: the driver writes at most `count` numbers into an array of that length.
    try driver.call("C_GetSlotList") { unsafe $0.C_GetSlotList(CK_BBOOL(CK_TRUE), &slots, &count) }
    return Array(slots.prefix(Int(count)))
  }

  private static func facts(
    of slot: CK_SLOT_ID, _ driver: borrowing TokenDriver
  ) throws(Problem) -> (TokenFacts, CK_FLAGS) {
    var slotInfo = CK_SLOT_INFO()
    var tokenInfo = CK_TOKEN_INFO()
    try driver.call("C_GetSlotInfo") { unsafe $0.C_GetSlotInfo(slot, &slotInfo) }
    try driver.call("C_GetTokenInfo") { unsafe $0.C_GetTokenInfo(slot, &tokenInfo) }
    let facts = TokenFacts(
      manufacturer: text(tokenInfo.manufacturerID), model: text(tokenInfo.model), serial: text(tokenInfo.serialNumber),
      label: text(tokenInfo.label), isHardwareSlot: slotInfo.flags & CK_FLAGS(CKF_HW_SLOT) != 0)
    return (facts, tokenInfo.flags)
  }

  /// A field of fixed length, filled up with spaces and not terminated (PKCS #11 v2.40 §3.2).
  private static func text<Field>(_ field: Field) -> String {
    // Safe: the fields are arrays of bytes, and they are copied while they are lent.
    let bytes = unsafe withUnsafeBytes(of: field) { unsafe Array($0) }
    let end = bytes.lastIndex { $0 != 0x20 && $0 != 0 }.map { $0 + 1 } ?? 0
    return Printable.oneLine(String(decoding: bytes[..<end], as: UTF8.self))
  }

  // MARK: the PIN

  /// Whether nothing private can be seen without a PIN.
  var needsLogin: Bool { flags & CK_FLAGS(CKF_LOGIN_REQUIRED) != 0 }

  /// Gives the PIN to the token, once: a second try with the same one could lock it.
  ///
  /// - Parameter pin: nil where the token has a keypad of its own.
  func login(_ pin: SecretBytes?, isForOneSignature: Bool = false) throws(Problem) {
    guard flags & CK_FLAGS(CKF_USER_PIN_LOCKED) == 0 else { throw TokenDriver.locked }
    let user = CK_USER_TYPE(isForOneSignature ? CKU_CONTEXT_SPECIFIC : CKU_USER)
    guard let pin else {
      guard flags & CK_FLAGS(CKF_PROTECTED_AUTHENTICATION_PATH) != 0 else {
        throw .usage(
          "pkcs11.pin-source", "the token needs a PIN",
          hint: "use --passphrase-fd N, --passphrase-file FILE or pin-source=file:/PATH in the address")
      }
      return try driver.call("C_Login") { $0.C_Login(session, user, nil, 0) }
    }
    // Safe: the driver reads `count` bytes of guarded memory and must not write to it; the type lacks a const.
    try driver.call("C_Login") { functions in
      unsafe pin.withBytes { bytes in
        unsafe functions.C_Login(session, user, UnsafeMutablePointer(mutating: bytes), CK_ULONG(pin.count))
      }
    }
  }

  // MARK: objects

  /// The objects of a class that have this label and this id, at most `limit`.
  func objects(
    _ kind: UInt, label: [UInt8]?, id: [UInt8]?, limit: Int
  ) throws(Problem) -> [CK_OBJECT_HANDLE] {
    var kind = CK_OBJECT_CLASS(kind)
    var label = label ?? []
    var id = id ?? []
    let (labelCount, idCount) = (label.count, id.count)
    var found = [CK_OBJECT_HANDLE](repeating: 0, count: limit)
    var count: CK_ULONG = 0
    defer { driver.attempt { $0.C_FindObjectsFinal(session) } }
    // Safe: each pointer of the template is to a variable that lives through the call that reads it.
    try driver.call("C_FindObjectsInit") { functions in
      unsafe withUnsafeMutableBytes(of: &kind) { kind in
        unsafe label.withUnsafeMutableBytes { label in
          unsafe id.withUnsafeMutableBytes { id in
            var template = unsafe [attribute(CKA_CLASS, kind)]
            if labelCount > 0 { unsafe template.append(attribute(CKA_LABEL, label)) }
            if idCount > 0 { unsafe template.append(attribute(CKA_ID, id)) }
            return unsafe functions.C_FindObjectsInit(session, &template, CK_ULONG(template.count))
          }
        }
      }
    }
    try driver.call("C_FindObjects") { unsafe $0.C_FindObjects(session, &found, CK_ULONG(limit), &count) }
    return Array(found.prefix(Int(count)))
  }

  private func attribute(_ type: UInt, _ bytes: UnsafeMutableRawBufferPointer) -> CK_ATTRIBUTE {
    unsafe CK_ATTRIBUTE(type: CK_ATTRIBUTE_TYPE(type), pValue: bytes.baseAddress, ulValueLen: CK_ULONG(bytes.count))
  }

  /// The value of an attribute of at most 512 bytes; nil where the object does not have it or does not show it.
  func value(_ type: UInt, of object: CK_OBJECT_HANDLE) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 512)
    var count: CK_ULONG = 0
    var result = CK_RV(CKR_OK)
    // Safe: the driver writes at most 512 bytes into an array of that length, and says how many.
    driver.attempt { functions in
      unsafe bytes.withUnsafeMutableBytes { buffer in
        var wanted = unsafe attribute(type, buffer)
        result = unsafe functions.C_GetAttributeValue(session, object, &wanted, 1)
        count = unsafe wanted.ulValueLen
        return result
      }
    }
    guard result == CKR_OK, count <= 512 else { return nil }
    return Array(bytes.prefix(Int(count)))
  }

  /// A Boolean attribute; nil where the object does not have it.
  func bool(_ type: UInt, of object: CK_OBJECT_HANDLE) -> Bool? {
    value(type, of: object).flatMap { $0.count == 1 ? $0[0] != 0 : nil }
  }

  // MARK: signing

  /// What the key makes of `data`; `pin` is for keys that ask for it each time.
  func sign(
    _ data: [UInt8], key: CK_OBJECT_HANDLE, mechanism: UInt, pin: SecretBytes?, asksEachTime: Bool
  ) throws(Problem) -> [UInt8] {
    var mechanism = unsafe CK_MECHANISM(mechanism: CK_MECHANISM_TYPE(mechanism), pParameter: nil, ulParameterLen: 0)
    try driver.call("C_SignInit") { unsafe $0.C_SignInit(session, &mechanism, key) }
    if asksEachTime { try login(pin, isForOneSignature: true) }
    var data = data
    let length = CK_ULONG(data.count)
    var signature = [UInt8](repeating: 0, count: 256)
    var count = CK_ULONG(signature.count)
    // Safe: the driver reads `length` bytes of one array and writes at most 256 into the other, and says how many.
    try driver.call("C_Sign") { unsafe $0.C_Sign(session, &data, length, &signature, &count) }
    guard count <= signature.count else {
      throw .couldNotRun("pkcs11.failed", "the driver says that it wrote too much")
    }
    return Array(signature.prefix(Int(count)))
  }
}

/// What a driver says of a token, with unprintable characters replaced.
public struct TokenFacts: Sendable, Equatable {
  /// Who made it.
  public let manufacturer: String
  /// Its model.
  public let model: String
  /// Its serial number.
  public let serial: String
  /// What its owner calls it.
  public let label: String
  /// CKF_HW_SLOT: the slot is a device.
  public let isHardwareSlot: Bool

  func fits(_ wanted: TokenURI.Token) -> Bool {
    func same(_ wanted: String?, _ found: String) -> Bool { wanted.map { $0.isExactly(found) } ?? true }
    return same(wanted.label, label) && same(wanted.manufacturer, manufacturer) && same(wanted.model, model)
      && same(wanted.serial, serial)
  }
}
