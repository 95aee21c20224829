public import Cryptography
public import Diagnostics
import StrictJSON
public import Wire

/// What keys are made for. A preview key never satisfies a release.
public enum Profile: String, Sendable, CaseIterable {
  case preview, release
}

/// A public key with the times and the use for which it is trusted.
public struct TrustedKey: Sendable, Equatable {
  /// The key.
  public let key: VerificationKey
  /// The first second of its validity.
  public let validFrom: Timestamp
  /// The last second of its validity.
  public let validUntil: Timestamp
  /// From this second on nothing it signed counts; nil while it is not revoked.
  public var revokedSince: Timestamp?
  /// The id of the key that took its place.
  public var supersededBy: String?
  /// What it is for.
  public let use: Profile
  /// How its private half is kept, as its attestation showed; nil where there was none.
  public let custody: KeyProtection?

  /// A key that is trusted from `validFrom` to `validUntil`, both included.
  public init(
    key: VerificationKey, validFrom: Timestamp, validUntil: Timestamp, use: Profile, custody: KeyProtection? = nil
  ) {
    self.key = key
    self.validFrom = validFrom
    self.validUntil = validUntil
    self.use = use
    self.custody = custody
  }

  /// An Ed25519 key that is trusted from `validFrom` to `validUntil`, both included.
  public init(
    key: Ed25519.PublicKey, validFrom: Timestamp, validUntil: Timestamp, use: Profile, custody: KeyProtection? = nil
  ) {
    self.init(key: VerificationKey(key), validFrom: validFrom, validUntil: validUntil, use: use, custody: custody)
  }

  init(_ reader: JSONReader) throws(Problem) {
    try reader.closed(
      "algorithm", "public", "validFrom", "validUntil", "revokedSince", "supersededBy", "use", "custody")
    let name = try reader.member("algorithm").token()
    guard let algorithm = VerificationKey.Algorithm(rawValue: name) else {
      throw reader.problem(
        "trust.algorithm", "keys of this algorithm do not sign for this project", source: "P1-9",
        hint: "known: \(VerificationKey.Algorithm.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let bytes = try reader.member("public").base64(atMost: 256)
    do { key = try VerificationKey(algorithm, bytes) } catch { throw reader.located(error) }
    validFrom = try reader.member("validFrom").timestamp()
    validUntil = try reader.member("validUntil").timestamp()
    revokedSince = try reader.optional("revokedSince")?.timestamp()
    supersededBy = try reader.optional("supersededBy")?.token(atMost: 64)
    use = try reader.member("use").choice(Profile.self)
    custody = try reader.optional("custody")?.choice(KeyProtection.self)
    guard validFrom < validUntil else {
      throw reader.problem("trust.validity", "validFrom is not before validUntil")
    }
  }

  /// Returns when a signature of this key made at `time` counts for `profile`; refuses with the reason otherwise.
  public func requireUsable(at time: Timestamp, for profile: Profile) throws(Problem) {
    let id = key.id
    guard use == profile else {
      throw .refused(
        "key.use", "the key \(id) is for \(use.rawValue), not for \(profile.rawValue)",
        source: "documents/threat-model.md")
    }
    guard validFrom <= time else {
      throw .refused("key.not-yet-valid", "the key \(id) is valid from \(validFrom), the time is \(time)")
    }
    guard time <= validUntil else {
      throw .refused(
        "key.expired", "the key \(id) expired at \(validUntil), the time is \(time)",
        hint: "judge an old release at its own time with --as-of")
    }
    if let revokedSince, time >= revokedSince {
      throw .refused("key.revoked", "the key \(id) is revoked since \(revokedSince), the time is \(time)")
    }
  }

  var json: JSON {
    var object = JSONObject()
    object["algorithm"] = .string(key.algorithm.rawValue)
    object["public"] = .string(Base64.encode(key.bytes))
    object["validFrom"] = .string(validFrom.description)
    object["validUntil"] = .string(validUntil.description)
    object["revokedSince"] = revokedSince.map { .string($0.description) }
    object["supersededBy"] = supersededBy.map { .string($0) }
    object["use"] = .string(use.rawValue)
    object["custody"] = custody.map { .string($0.rawValue) }
    return .object(object)
  }
}

/// A person or a machine that signs; all its keys count as one.
public struct Principal: Sendable, Equatable {
  /// A lower-case name.
  public let name: String
  /// Its keys, past and present.
  public var keys: [TrustedKey]

  /// A principal with these keys.
  public init(name: String, keys: [TrustedKey]) {
    self.name = name
    self.keys = keys
  }

  init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("name", "keys")
    name = try Principal.name(try reader.member("name"))
    var keys: [TrustedKey] = []
    for key in try reader.member("keys").elements(atMost: 64) { keys.append(try TrustedKey(key)) }
    guard !keys.isEmpty else { throw reader.problem("trust.no-key", "the principal “\(name)” has no key") }
    for key in keys where key.supersededBy != nil {
      guard keys.contains(where: { $0.key.id == key.supersededBy }) else {
        throw reader.problem("trust.superseded", "\(key.key.id) is superseded by a key that “\(name)” does not have")
      }
    }
    self.keys = keys
  }

  static func name(_ reader: JSONReader) throws(Problem) -> String {
    let name = try reader.token(atMost: 64)
    guard isName(name) else {
      throw reader.problem("trust.name", "“\(name)” is not a name: a to z, 0 to 9, dot, hyphen and @ are allowed")
    }
    return name
  }

  /// Whether `text` can name a principal.
  public static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy {
        switch $0 {
        case 0x61...0x7a, 0x30...0x39, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "@"): true
        default: false
        }
      }
  }

  var json: JSON { ["name": .string(name), "keys": .array(keys.map(\.json))] }
}

/// What a signature is needed for.
public enum Role: String, Sendable, CaseIterable {
  /// Signs trust files and release policies.
  case root
  /// Measures, builds and packs.
  case builder
  /// Judges: signs verdicts.
  case verifier
  /// Signs the ledger's checkpoints.
  case log
  /// The security owner.
  case security
  /// The engineering owner.
  case engineering
  /// The operations owner.
  case operations
}

/// Who may act in a role, and how many of them it takes.
public struct RoleRule: Sendable, Equatable {
  /// How many different principals must have signed; at least 1.
  public var threshold: Int
  /// The names of the principals, sorted.
  public var principals: [String]

  /// A rule; `TrustFile.init` judges it.
  public init(threshold: Int, principals: [String]) {
    self.threshold = threshold
    self.principals = principals.sorted()
  }
}
