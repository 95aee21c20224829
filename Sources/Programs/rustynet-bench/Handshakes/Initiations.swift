import Cryptography
import Diagnostics
import NetworkTypes
import WireGuard

/// First messages of handshakes for one responder, made before they are needed so that making them is not measured.
enum Initiations {
  /// Private keys that are the same in every run: the responder is configured with their public halves.
  static func privateKey(_ number: Int) throws(Problem) -> Key32 {
    let seed = BLAKE2s().digest(Array("rustynet-bench handshakes \(number)".utf8))
    guard let key = Key32(seed) else { throw .couldNotRun("bench.key", "a key has another length") }
    return X25519.clamped(key)
  }

  /// `rounds` messages of each of `peers`, round by round; within a peer each is later than the one before.
  static func real(
    to responder: PublicKey, at endpoint: Endpoint, peers: Int, rounds: Int, from start: WallTime
  ) throws(Problem) -> [[UInt8]] {
    var clients: [(device: Device, slot: PeerSlot)] = []
    for number in 0..<peers {
      let device = Device()
      var change = DeviceChange()
      change.privateKey = .some(try privateKey(number))
      var peer = PeerChange(responder)
      peer.endpoint = endpoint
      change.peers = [peer]
      device.apply(change, at: Moment(nanoseconds: 1))
      for case .remember(let slot, _) in device.takeEffects() { clients.append((device, slot)) }
    }
    var messages: [[UInt8]] = []
    for round in 0..<rounds {
      // The device asks at most every five seconds, so that its clock runs faster than ours; the responder sees only
      // the wall's time, which has to grow.
      let now = Moment(nanoseconds: UInt64(round + 1) * 10_000_000_000)
      let wall = WallTime(seconds: start.seconds + Int64(round))
      for client in clients {
        client.device.wantsHandshake(client.slot, .staged, at: now, wall: wall)
        for case .send(let message, _, _) in client.device.takeEffects() { messages.append(message) }
      }
    }
    guard messages.count == peers * rounds else {
      throw .couldNotRun("bench.initiations", "\(messages.count) messages, not \(peers * rounds)")
    }
    return messages
  }

  /// A message that nobody has made: of the right form, with a first authenticator that holds (whitepaper, 5.4.4).
  struct Forger {
    private let machine = BLAKE2s()
    private let key: [UInt8]
    private var body: [UInt8]

    init(for responder: PublicKey) {
      key = machine.digest(Array("mac1----".utf8), responder.bytes)
      body = [1, 0, 0, 0] + Randomness.bytes(112)
    }

    /// The next one, different from all before.
    mutating func next(_ number: UInt32) -> [UInt8] {
      for index in 0..<4 {
        body[4 + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt32(index)))
        body[8 + index] = body[4 + index] ^ 0x5a
      }
      // Safe: the bytes are read while the array is borrowed.
      return unsafe body + machine.mac(body.span.bytes, key: key) + [UInt8](repeating: 0, count: 16)
    }
  }
}
