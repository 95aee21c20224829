import Cryptography
import NetworkTypes

/// The first MAC of a message, keyed by the receiver's public key, and the key of its cookies (whitepaper, 5.4.4, 5.4.7).
struct MessageKeys {
  let mac1: [UInt8]
  let cookie: Key32

  /// The keys of messages to the owner of a public key.
  init(_ publicKey: [UInt8], machine: BLAKE2s) {
    mac1 = machine.digest(Array(Specification.mac1Label.utf8), publicKey)
    var bytes = machine.digest(Array(Specification.cookieLabel.utf8), publicKey)
    guard let key = Key32(consuming: &bytes) else { preconditionFailure("internal error: a digest of another length") }
    cookie = key
  }
}

/// What a device under load hands out: a proof that the sender of a handshake receives at its address (5.3).
struct CookieMaker {
  private var secret: [UInt8] = []
  private var born = Moment.never

  /// The cookie of a source now; the secret behind it is drawn anew every two minutes.
  mutating func cookie(
    for source: Endpoint, at now: Moment, machine: BLAKE2s, randomness: Device.RandomBytes
  ) -> [UInt8] {
    if secret.isEmpty || now >= born.adding(milliseconds: Specification.cookieSeconds * 1_000) {
      secret = randomness(32)
      born = now
    }
    let port = [UInt8(truncatingIfNeeded: source.port >> 8), UInt8(truncatingIfNeeded: source.port)]
    let place = source.address.octets + port
    return unsafe machine.mac(place.span.bytes, key: secret)
  }
}

/// What we know of a peer's cookies: the last one, and the MAC that the next one will be bound to.
struct CookieJar {
  private var cookie: [UInt8] = []
  private var received = Moment.never
  private var lastMAC: [UInt8]?

  /// Appends both MACs to a message that is complete up to them (5.4.4). Call it for each initiation and response.
  mutating func seal(_ message: inout [UInt8], to keys: MessageKeys, at now: Moment, machine: BLAKE2s) {
    let mac1 = unsafe machine.mac(message.span.bytes, key: keys.mac1)
    message += mac1
    lastMAC = mac1
    let life = Specification.cookieSeconds - Implementation.cookieLatencySeconds
    if received != .never, now < received.adding(milliseconds: life * 1_000) {
      message += unsafe machine.mac(message.span.bytes, key: cookie)
    } else {
      message += [UInt8](repeating: 0, count: BLAKE2s.macLength)
    }
  }

  /// Takes a cookie out of a reply to the last message; false when it does not answer it (5.4.7).
  mutating func take(nonce: [UInt8], sealed: [UInt8], from keys: MessageKeys, at now: Moment) -> Bool {
    guard let mac = lastMAC,
      let opened = unsafe AuthenticatedCipher.xchacha20Poly1305.open(
        sealed.span.bytes, key: keys.cookie, nonce: nonce, associatedData: mac.span.bytes)
    else { return false }
    cookie = opened
    received = now
    // One reply for one message: a replayed one must not prolong the cookie.
    lastMAC = nil
    return true
  }
}
