import Cryptography
import Diagnostics
import NetworkTypes
import WireGuard

/// Two devices that know each other, made anew for each input so that inputs do not depend on one another.
private struct Pair {
  let initiator = Device(randomness: numbers(1))
  let responder = Device(randomness: numbers(2))
  let initiatorPlace = Endpoint(.v4(0xc000_0201), port: 1)
  let responderPlace = Endpoint(.v6(0x2001_0db8 << 96 | 1), port: 2)
  let now = Moment(nanoseconds: 1_000_000_000_000)
  let wall = WallTime(seconds: 1_700_000_000)
  let initiatorKey: PublicKey
  let responderKey: PublicKey

  init() {
    let first = key(3)
    let second = key(4)
    initiatorKey = PublicKey(of: first)
    responderKey = PublicKey(of: second)
    var change = DeviceChange()
    change.privateKey = .some(.some(first))
    change.peers = [PeerChange(responderKey)]
    change.peers[0].endpoint = responderPlace
    initiator.apply(change, at: now)
    change.privateKey = .some(.some(second))
    change.peers = [PeerChange(initiatorKey)]
    responder.apply(change, at: now)
    _ = (initiator.takeEffects(), responder.takeEffects())
  }

  /// The initiation that the initiator sends.
  func initiation() -> [UInt8] {
    initiator.wantsHandshake(PeerSlot(index: 0), .staged, at: now, wall: wall)
    return message(initiator.takeEffects())
  }
}

/// Fixed bytes instead of random ones, the same for each input.
private func numbers(_ seed: UInt8) -> (Int) -> [UInt8] {
  var next = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15
  return { count in
    (0..<count).map { _ in
      next = next &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: next >> 33)
    }
  }
}

private func key(_ seed: UInt8) -> Key32 {
  guard let key = Key32([UInt8](repeating: seed, count: 32)) else { fatalError("a key of another length") }
  return key
}

private func message(_ effects: [Effect]) -> [UInt8] {
  for case .send(let message, _, _) in effects { return message }
  fatalError("nothing was sent")
}

/// The message with the input laid over it, and its first MAC made right, so that what stands behind it is reached.
private func laid(_ bytes: [UInt8], over message: [UInt8], mac1: Int, to key: PublicKey) -> [UInt8] {
  var changed = message
  for (index, byte) in bytes.prefix(changed.count).enumerated() { changed[index] ^= byte }
  let machine = BLAKE2s()
  let prefix = Array(changed[..<mac1])
  let mac = machine.mac(unsafe prefix.span.bytes, key: machine.digest(Array("mac1----".utf8), key.bytes))
  changed.replaceSubrange(mac1..<mac1 + 16, with: mac)
  return changed
}

/// Nothing that was changed before its MACs may give a session, move a peer or end a handshake.
private func judge(_ effects: [Effect], isTrue: Bool) {
  let isTaken = effects.contains { effect in
    switch effect {
    case .accept, .use, .direct, .connected, .confirm: true
    default: false
    }
  }
  precondition(isTaken == isTrue, isTrue ? "a true message was refused" : "a forged message was taken")
}

/// Initiations: as they come, and laid over a true one. The first byte is a set of switches.
func initiation(_ bytes: [UInt8]) {
  let pair = Pair()
  let isUnderLoad = bytes.first.map { $0 & 1 != 0 } ?? false
  let rest = Array(bytes.dropFirst())
  pair.responder.receive(rest, from: pair.initiatorPlace, underLoad: isUnderLoad, at: pair.now, wall: pair.wall)
  judge(pair.responder.takeEffects(), isTrue: false)
  let genuine = pair.initiation()
  let changed = laid(rest, over: genuine, mac1: 116, to: pair.responderKey)
  pair.responder.receive(changed, from: pair.initiatorPlace, underLoad: isUnderLoad, at: pair.now, wall: pair.wall)
  // The sender's index is not bound to anything but the first MAC, which anybody can make.
  let isTrue = changed[..<4] == genuine[..<4] && changed[8..<116] == genuine[8..<116] && !isUnderLoad
  judge(pair.responder.takeEffects(), isTrue: isTrue)
}

/// Responses to a handshake that was begun.
func response(_ bytes: [UInt8]) {
  let pair = Pair()
  let isUnderLoad = bytes.first.map { $0 & 1 != 0 } ?? false
  let rest = Array(bytes.dropFirst())
  pair.responder.receive(pair.initiation(), from: pair.initiatorPlace, underLoad: false, at: pair.now, wall: pair.wall)
  let genuine = message(pair.responder.takeEffects())
  pair.initiator.receive(rest, from: pair.responderPlace, underLoad: isUnderLoad, at: pair.now, wall: pair.wall)
  judge(pair.initiator.takeEffects(), isTrue: false)
  let changed = laid(rest, over: genuine, mac1: 60, to: pair.initiatorKey)
  pair.initiator.receive(changed, from: pair.responderPlace, underLoad: isUnderLoad, at: pair.now, wall: pair.wall)
  let isTrue = changed[..<4] == genuine[..<4] && changed[8..<60] == genuine[8..<60] && !isUnderLoad
  judge(pair.initiator.takeEffects(), isTrue: isTrue)
}

/// Cookie replies: whatever they hold, nothing follows but another second MAC.
func cookie(_ bytes: [UInt8]) {
  let pair = Pair()
  let first = pair.initiation()
  pair.responder.receive(first, from: pair.initiatorPlace, underLoad: true, at: pair.now, wall: pair.wall)
  let genuine = message(pair.responder.takeEffects())
  var changed = genuine
  for (index, byte) in bytes.prefix(changed.count).enumerated() { changed[index] ^= byte }
  for one in [bytes, changed] {
    pair.initiator.receive(one, from: pair.responderPlace, underLoad: false, at: pair.now, wall: pair.wall)
    precondition(pair.initiator.takeEffects().isEmpty, "a cookie reply has an effect")
  }
  let isTaken = pair.initiator.drops.allSatisfy { $0.reason != "cookie-forged" || $0.count == 0 }
  precondition(changed != genuine || bytes == genuine || isTaken, "a true cookie was refused")
}

/// The text protocol: what parses survives being written, and a device that was given it says the same of itself.
func uapi(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  if let state = try? UAPI.parseState(text) {
    let reply = UAPI.reply(state)
    precondition((try? UAPI.parseState(reply)).map(UAPI.reply) == reply, "a state changed on its way")
  }
  guard case .set(let change)? = try? UAPI.parse(text) else { return }
  let request = UAPI.request(change)
  guard case .set(let again)? = try? UAPI.parse(request) else { fatalError("a request of ours does not parse") }
  precondition(UAPI.request(again) == request, "a request changed on its way")
  let device = Device(randomness: numbers(5))
  device.apply(change, at: Moment(nanoseconds: 1))
  _ = device.takeEffects()
  _ = device.allowedAddresses()
  let reply = UAPI.reply(device.state())
  guard let state = try? UAPI.parseState(reply) else { fatalError("a reply of ours does not parse") }
  precondition(UAPI.reply(state) == reply, "a reply changed on its way")
  for peer in state.peers { precondition(peer.publicKey != state.publicKey, "a device is its own peer") }
}
