public import Cryptography
import Diagnostics
public import StrictJSON
public import Wire

/// The time of the tests: 2026-11-22T12:00:00Z.
public let now = Timestamp(seconds: 1_795_348_800) ?? .latest
/// A day in seconds.
public let day: Int64 = 86_400

/// The code of the problem that `body` throws, “accepted” where it throws none.
public func outcome<Value>(_ body: () throws -> Value) -> String {
  do {
    _ = try body()
    return "accepted"
  } catch let problem as Problem { return problem.code } catch { return "\(error)" }
}

/// The key whose seed is `number`, 32 times.
public func key(_ number: UInt8) throws -> Ed25519.SigningKey {
  var seed = [UInt8](repeating: number, count: 32)
  return try Ed25519.SigningKey(seed: SecretBytes(consuming: &seed))
}

/// Every document that differs from `value` in one leaf: changed, or left out.
public func mutations(of value: JSON, at place: String = "") -> [(place: String, value: JSON)] {
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
