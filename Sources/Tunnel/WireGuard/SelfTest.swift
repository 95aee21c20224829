import Cryptography
public import Diagnostics
import NetworkTypes
import Wire

/// Known answers for everything that a tunnel rests on; run before a socket is opened.
///
/// A library that was built wrongly, or exchanged, must be noticed before the first packet is sealed with it.
public enum SelfTest {
  /// One problem for each answer that is not what it must be; empty when all is well.
  public static func run() -> [Problem] { run(checks) }

  /// The names of the checks, in their order.
  public static var names: [String] { checks.map(\.name) }

  /// An answer that is known, and how to compute it again.
  struct Check {
    /// What is checked, and where the answer is from.
    let name: String
    /// Lower-case hexadecimal.
    var expected: String
    let compute: () -> [UInt8]
  }

  static func run(_ checks: [Check]) -> [Problem] {
    checks.compactMap { check in
      let got = Hex.encode(check.compute())
      return got == check.expected
        ? nil
        : .refused(
          "self-test.answer", "\(check.name) gave \(got.prefix(64)), not \(check.expected.prefix(64))",
          place: check.name,
          hint: "do not use this machine's libcrypto and libsodium for a tunnel")
    }
  }

  static var checks: [Check] { hashes + exchanges + ciphers + handshakes + tables }

  static func bytes(_ hex: String) -> [UInt8] {
    guard let bytes = try? Hex.decode(hex) else { preconditionFailure("a vector is not hexadecimal") }
    return bytes
  }

  static func key(_ bytes: some Sequence<UInt8>) -> Key32 {
    guard let key = Key32(Array(bytes)) else { preconditionFailure("a vector's key is not 32 bytes") }
    return key
  }

  static func bytes(_ key: Key32) -> [UInt8] {
    // Safe: the key lends thirty-two bytes for the call; it is a vector's and no secret.
    unsafe key.withBytes { unsafe Array(UnsafeBufferPointer(start: $0, count: Key32.length)) }
  }

  // MARK: The replay window

  /// Counters and whether each is new, one after another on one window; the limit of the protocol included.
  static let replay: [(counter: UInt64, isNew: Bool)] = {
    let limit = ReplayWindow.size + 1
    let end = Specification.refuseAfterMessages
    return [
      (0, true), (1, true), (1, false), (9, true), (8, true), (7, true), (7, false), (limit, true), (limit - 1, true),
      (limit - 1, false), (limit - 2, true), (2, true), (2, false), (limit + 16, true), (3, false),
      (limit + 16, false), (limit * 4, true), (limit * 4 - (limit - 1), true), (10, false),
      (limit * 4 - limit, false), (limit * 4 - (limit + 1), false), (limit * 4 - (limit - 2), true),
      (limit * 4 + 1 - limit, false), (0, false), (end, false), (end - 1, true), (end, false), (end - 1, false),
      (end - 2, true), (end + 1, false), (end + 2, false), (end - 2, false), (end - 3, true), (0, false),
    ]
  }()

  /// What a new window answers to counters, one after another.
  static func answers(_ counters: some Sequence<UInt64>) -> [Bool] {
    // Safe: the window does not outlive the memory.
    unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: ReplayWindow.wordCount) { memory in
      let window = unsafe ReplayWindow(memory.baseAddress!)
      window.reset()
      return counters.map { window.accept($0) }
    }
  }

  // MARK: Allowed addresses

  /// Ranges with the number of the peer that owns each.
  static let ranges: [(range: String, owner: Int32)] = [
    ("192.168.4.0/24", 0), ("192.168.4.4/32", 1), ("192.168.0.0/16", 2), ("192.95.5.64/27", 3), ("192.95.5.65/27", 2),
    ("0.0.0.0/0", 4), ("64.15.112.0/20", 5), ("64.15.123.211/25", 6), ("10.0.0.0/25", 0), ("10.0.0.128/25", 1),
    ("2001:db8::/32", 1), ("2001:db8::/33", 2), ("2001:db8:8000::/128", 3), ("::/0", 4), ("2001:db8:ffff::1/64", 5),
    ("2001:db8:ffff:0:8000::/65", 6),
  ]

  /// Addresses with the number of the peer that owns each.
  static let owners: [(address: String, owner: Int32)] = [
    ("192.168.4.20", 0), ("192.168.4.4", 1), ("192.168.200.182", 2), ("192.95.5.68", 2), ("192.95.5.96", 4),
    ("64.15.116.26", 5), ("64.15.123.128", 6), ("64.15.123.3", 5), ("10.0.0.127", 0), ("10.0.0.128", 1),
    ("255.255.255.255", 4), ("0.0.0.0", 4), ("2001:db8::1", 2), ("2001:db8:8000::", 3), ("2001:db8:8000::1", 1),
    ("2001:db9::", 4), ("2001:db8:ffff::7fff:0:0:1", 5), ("2001:db8:ffff:0:8000::1", 6), ("::", 4),
  ]

  private static var tables: [Check] {
    [
      Check(
        name: "replay window (RFC 6479)", expected: Hex.encode(replay.map { $0.isNew ? 1 : 0 }),
        compute: { answers(replay.map(\.counter)).map { $0 ? 1 : 0 } }),
      Check(
        name: "allowed addresses", expected: Hex.encode(owners.map { UInt8($0.owner) }),
        compute: {
          var table = AllowedIPs()
          for (range, owner) in ranges {
            guard let prefix = try? Prefix(range, hostBits: .cleared) else { return [] }
            table.insert(prefix, for: PeerSlot(index: owner))
          }
          let snapshot = table.snapshot()
          return owners.map { row in
            (try? IPAddress(row.address)).flatMap { snapshot.owner(of: $0) }.map { UInt8($0.index) } ?? 0xff
          }
        }),
    ]
  }
}
