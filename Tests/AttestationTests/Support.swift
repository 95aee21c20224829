import Cryptography
import Diagnostics
import StrictJSON
import Testing
import Wire

@testable import Attestation

/// The time of the tests: 2026-11-22T12:00:00Z.
let now = Timestamp(seconds: 1_795_348_800) ?? .latest
let day: Int64 = 86_400

/// The code of the problem that `body` throws, “accepted” where it throws none.
func outcome<Value>(_ body: () throws -> Value) -> String {
  do {
    _ = try body()
    return "accepted"
  } catch let problem as Problem { return problem.code } catch { return "\(error)" }
}

/// The key whose seed is `number`, 32 times.
func key(_ number: UInt8) throws -> Ed25519.SigningKey {
  var seed = [UInt8](repeating: number, count: 32)
  return try Ed25519.SigningKey(seed: SecretBytes(consuming: &seed))
}

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

/// Every document that differs from `value` in one leaf: changed, or left out.
func mutations(of value: JSON, at place: String = "") -> [(place: String, value: JSON)] {
  var found: [(String, JSON)] = []
  switch value {
  case .object(let object) where !object.members.isEmpty:
    for (key, member) in object.members {
      for (place, changed) in mutations(of: member, at: "\(place)/\(key)") {
        var copy = object
        copy[key] = changed
        found.append((place, .object(copy)))
      }
      var copy = object
      copy[key] = nil
      found.append(("\(place)/\(key) left out", .object(copy)))
    }
  case .array(let elements) where !elements.isEmpty:
    for (index, element) in elements.enumerated() {
      for (place, changed) in mutations(of: element, at: "\(place)/\(index)") {
        var copy = elements
        copy[index] = changed
        found.append((place, .array(copy)))
      }
      var copy = elements
      copy.remove(at: index)
      found.append(("\(place)/\(index) left out", .array(copy)))
    }
  case .string(let text): found.append((place, .string(text.isEmpty ? "x" : changeLast(text))))
  case .integer(let integer): found.append((place, .integer(integer + 1)))
  case .number(let number): found.append((place, .number(number + 0.5)))
  case .bool(let flag): found.append((place, .bool(!flag)))
  case .null, .array, .object: found.append((place, true))
  }
  return found
}

/// The text with another last digit or letter; characters that pad base 64 stay.
private func changeLast(_ text: String) -> String {
  var bytes = Array(text.utf8)
  guard let index = bytes.lastIndex(where: { $0 != 0x3d }) else { return text + "x" }
  bytes[index] = bytes[index] == UInt8(ascii: "A") ? UInt8(ascii: "E") : UInt8(ascii: "A")
  return String(decoding: bytes, as: UTF8.self)
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
