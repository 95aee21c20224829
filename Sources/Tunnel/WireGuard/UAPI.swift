public import Diagnostics

/// The cross-platform configuration protocol: text over a socket, one `key=value` a line, an empty line at the end.
///
/// Source: "Cross-platform Userspace Implementation", wireguard.com/xplatform. Reading is strict: an unknown key, a key
/// in the wrong place and a malformed value refuse the whole request before anything of it is applied.
public enum UAPI {
  /// The number of the interface of a name, which wg(8) and others write behind a link-local address; nil where there is
  /// none.
  public typealias InterfaceLookup = (String) -> UInt32?

  /// What a client asks.
  public enum Request: Sendable {
    case get
    case set(DeviceChange)
  }

  /// The errno that a reply carries; the numbers are Linux's.
  public enum Status: Int32, Sendable, CaseIterable {
    case success = 0
    case notPermitted = 1
    case noSuchEntry = 2
    case inputOutput = 5
    case noMemory = 12
    case noAccess = 13
    case noDevice = 19
    case invalid = 22
    case protocolError = 71
    case addressInUse = 98
  }

  /// The largest request in bytes.
  public static let requestLimit = 64 << 20

  /// A client's `get`, with its empty line.
  public static let getRequest = "get=1\n\n"

  /// The errno for a problem of `parse`; `fallback` for one that is not of this protocol.
  public static func status(of problem: Problem, otherwise fallback: Status = .inputOutput) -> Status {
    switch problem.code {
    case "uapi.syntax", "uapi.operation": .protocolError
    case "uapi.key", "uapi.value": .invalid
    default: fallback
    }
  }

  /// The reply that carries an errno alone, with its empty line. Linux's numbers are negative in it, as `wg` expects.
  public static func reply(_ status: Status) -> String { "errno=\(status == .success ? 0 : -status.rawValue)\n\n" }

  static func syntax(_ message: String, line: Int) -> Problem {
    .malformed("uapi.syntax", message, place: "line \(line)", source: "wireguard.com/xplatform")
  }

  static func value(_ key: Substring, line: Int, _ expected: String) -> Problem {
    .malformed(
      "uapi.value", "\(key) has no value that it may have", place: "line \(line)", source: "wireguard.com/xplatform",
      hint: expected)
  }
}

/// The lines of a message, each a key and a value, with their numbers from 1.
struct UAPILines: Sequence, IteratorProtocol {
  /// A line; values of keys are secret, so a line has no description of its own.
  struct Line {
    let number: Int
    let key: Substring
    let value: Substring
  }

  private var rest: Substring.UTF8View.SubSequence
  private let text: Substring
  private var number = 0
  private(set) var problem: Problem?

  init(_ text: String) {
    self.text = Substring(text)
    rest = self.text.utf8[...]
  }

  /// The next line; nil at the end, at the empty line that ends a message, and at the first malformed line.
  mutating func next() -> Line? {
    guard !rest.isEmpty, problem == nil else { return nil }
    number += 1
    let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
    let line = rest[..<end]
    rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
    if line.isEmpty {
      if !rest.isEmpty { problem = UAPI.syntax("something stands behind the empty line", line: number) }
      return nil
    }
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")), equals != line.startIndex else {
      problem = UAPI.syntax("a line is not a key, an equals sign and a value", line: number)
      return nil
    }
    return Line(
      number: number, key: text[line.startIndex..<equals], value: text[line.index(after: equals)..<line.endIndex])
  }
}
