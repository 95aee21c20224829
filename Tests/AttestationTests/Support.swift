import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Attestation

func trusted(
  _ number: UInt8, from: Int64 = -day, until: Int64 = day, use: Profile = .release, revoked: Int64? = nil
) throws -> TrustedKey {
  var trusted = TrustedKey(
    key: try key(number).publicKey, validFrom: now.adding(seconds: from), validUntil: now.adding(seconds: until),
    use: use)
  trusted.revokedSince = revoked.map { now.adding(seconds: $0) }
  return trusted
}

/// Alice has the keys 1 and 2, Bob 3, Carol 4; Dave, with 5, acts in no role but root. Builders are the first three.
func sampleTrust(
  threshold: Int = 2, alice: [TrustedKey]? = nil, bob: [TrustedKey]? = nil, root: [String] = ["dave"],
  rootThreshold: Int = 1, version: Int64 = 7, profile: Profile = .release
) throws -> TrustFile {
  try TrustFile(
    version: version, issued: now.adding(seconds: -day), expires: now.adding(seconds: 30 * day), profile: profile,
    principals: [
      Principal(name: "alice", keys: try alice ?? [trusted(1), trusted(2)]),
      Principal(name: "bob", keys: try bob ?? [trusted(3)]), Principal(name: "carol", keys: [try trusted(4)]),
      Principal(name: "dave", keys: [try trusted(5)]),
    ],
    roles: [
      .root: RoleRule(threshold: rootThreshold, principals: root),
      .builder: RoleRule(threshold: threshold, principals: ["alice", "bob", "carol"]),
    ])
}

extension JSON {
  /// The member at `path`; setting nil leaves it out.
  subscript(path: String...) -> JSON? {
    get {
      path.reduce(self as JSON?) { value, key in
        guard case .object(let object)? = value else { return nil }
        return object[key]
      }
    }
    set { self = JSON.setting(self, path[...], newValue) }
  }

  private static func setting(_ value: JSON, _ path: ArraySlice<String>, _ new: JSON?) -> JSON {
    guard let key = path.first, case .object(var object) = value else { return new ?? .null }
    if path.count == 1 {
      object[key] = new
    } else {
      object[key] = setting(object[key] ?? .object(JSONObject()), path.dropFirst(), new)
    }
    return .object(object)
  }
}
