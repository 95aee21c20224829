/// Why a message was dropped without a word (whitepaper, 5.1: silence is a virtue), so that an operator can still know.
public enum DropReason: String, CaseIterable, Sendable {
  /// Not a type of message, or not as long as its type.
  case malformed = "handshake-malformed"
  /// One of the three reserved bytes is not zero.
  case reserved = "handshake-reserved"
  /// The interface is down.
  case interfaceDown = "handshake-interface-down"
  /// The device has no private key.
  case noIdentity = "handshake-no-identity"
  /// The first MAC is wrong: the sender does not know our public key.
  case wrongMAC = "handshake-mac1"
  /// Under load, without a cookie: answered by a cookie, not by a handshake.
  case cookieDemanded = "handshake-cookie-demanded"
  /// Under load, with a cookie, but too often.
  case rateLimited = "handshake-rate-limited"
  /// An initiation that is not authentic, or a key exchange with a point of low order.
  case forgedInitiation = "initiation-forged"
  /// An initiation of a stranger.
  case unknownPeer = "initiation-unknown-peer"
  /// An initiation that was seen before, or is older than one that was.
  case replayedInitiation = "initiation-replayed"
  /// More than fifty initiations a second of one peer.
  case floodingPeer = "initiation-flood"
  /// A response or a cookie to nothing that we sent.
  case unknownIndex = "handshake-unknown-index"
  /// A response that is not authentic.
  case forgedResponse = "response-forged"
  /// A cookie reply that is not authentic, or not to our last message.
  case forgedCookie = "cookie-forged"
  /// No local index was free.
  case noIndex = "handshake-no-index"
}

/// A count for each reason.
struct DropCounters {
  private var counts = [UInt64](repeating: 0, count: DropReason.allCases.count)
  private static let places = Dictionary(uniqueKeysWithValues: DropReason.allCases.enumerated().map { ($1, $0) })

  subscript(reason: DropReason) -> UInt64 { counts[Self.places[reason, default: 0]] }
  mutating func add(_ reason: DropReason) { counts[Self.places[reason, default: 0]] &+= 1 }
}
