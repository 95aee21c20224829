/// A JSON value (RFC 8259), as our parser accepts it.
public enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent, between -(2^53-1) and 2^53-1 (RFC 8785 §3.2.2.3, I-JSON) unless the limits
  /// of the reader allow more.
  case integer(Int64)
  /// Any other finite number.
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// The largest integer that every JSON implementation keeps: 2^53-1.
  public static let largestInteger: Int64 = 9_007_199_254_740_991

  /// Equal when kind and value are; text is compared byte by byte, because Swift's `==` on `String` treats different
  /// spellings of a character as one (U+212A KELVIN SIGN equals `K`), which a verifier must not.
  public static func == (left: JSON, right: JSON) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a.isExactly(b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }

  /// The name of the kind of this value, for messages.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A boolean.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// An array.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object; the last of two equal keys wins.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

extension String {
  /// Whether both hold the same UTF-8 bytes. Use it for whatever decides about trust.
  public func isExactly(_ other: String) -> Bool {
    // Most texts that are compared differ in length.
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}

/// The members of a JSON object in the order of the document; no key stands twice.
public struct JSONObject: Sendable, Equatable {
  /// A key, compared byte by byte. `String`'s hash fits: equal bytes have equal hashes.
  private struct Key: Hashable, Sendable {
    let text: String
    static func == (left: Key, right: Key) -> Bool { left.text.isExactly(right.text) }
    func hash(into hasher: inout Hasher) { text.hash(into: &hasher) }
  }

  /// Up to this many members are searched one by one; more get an index.
  private static let searched = 12

  /// The members in the order of the document.
  public private(set) var members: [(key: String, value: JSON)] = []
  private var index: [Key: Int] = [:]

  /// An object without members.
  public init() {}

  /// The value of `key`; setting nil removes the member.
  public subscript(key: String) -> JSON? {
    get { position(of: key).map { members[$0].value } }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?): members[position].value = value
      case (nil, let value?): add(key, value)
      case (let position?, nil):
        members.remove(at: position)
        index = [:]
        if members.count > JSONObject.searched { reindex() }
      case (nil, nil): break
      }
    }
  }

  /// Adds a member at the end; false, and nothing is added, when the key is there already.
  mutating func append(_ key: String, _ value: JSON) -> Bool {
    guard position(of: key) == nil else { return false }
    add(key, value)
    return true
  }

  /// Equal when both have the same members, in any order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.count == right.members.count && left.members.allSatisfy { right[$0.key] == $0.value }
  }

  private func position(of key: String) -> Int? {
    if members.count > JSONObject.searched { return index[Key(text: key)] }
    return members.firstIndex { $0.key.isExactly(key) }
  }

  private mutating func add(_ key: String, _ value: JSON) {
    members.append((key, value))
    if members.count == JSONObject.searched + 1 {
      reindex()
    } else if members.count > JSONObject.searched {
      index[Key(text: key)] = members.count - 1
    }
  }

  private mutating func reindex() {
    for (position, member) in members.enumerated() { index[Key(text: member.key)] = position }
  }
}
