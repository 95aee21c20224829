import Cryptography

/// The two messages of Noise IKpsk2 (Noise revision 34, 7.5 and 9.4; whitepaper, 5.4.2 and 5.4.3), with any payload.
///
/// Nil always means that the other side's input was refused: a point of low order or a ciphertext that is not
/// authentic. The caller's own state is as it was before.
struct Noise {
  /// The name of the protocol, hashed into every transcript.
  var name = Specification.construction
  /// What both sides mix in before the first message.
  var prologue = Array(Specification.identifier.utf8)
  let machine: BLAKE2s

  /// A key pair that lives as long as its owner, or one handshake.
  struct KeyPair {
    let privateKey: Key32
    let publicKey: [UInt8]

    init(_ privateKey: Key32) {
      self.privateKey = privateKey
      publicKey = X25519.publicKey(of: privateKey)
    }
  }

  /// A first message that was written, and what reading its answer needs.
  struct Initiation {
    let state: NoiseState
    let ephemeral: KeyPair
    let sealedIdentity: [UInt8]
    let sealedPayload: [UInt8]
  }

  /// Writes the first message; `shared` is the secret of both static keys.
  func initiate(
    _ own: KeyPair, to remote: [UInt8], shared: Key32, ephemeral: KeyPair, payload: [UInt8]
  ) -> Initiation? {
    let state = begin(responder: remote)
    unsafe state.mixHash(ephemeral.publicKey.span.bytes)
    unsafe state.mixKey(publicKey: ephemeral.publicKey.span.bytes)
    guard let secret = X25519.sharedKey(ephemeral.privateKey, with: remote) else { return nil }
    state.mixKey(secret)
    let identity = unsafe state.seal(own.publicKey.span.bytes)
    state.mixKey(shared)
    let payload = unsafe state.seal(payload.span.bytes)
    return Initiation(state: state, ephemeral: ephemeral, sealedIdentity: identity, sealedPayload: payload)
  }

  /// Reads the first message up to the sender's static key; what it is worth is known after `readPayload`.
  func readIdentity(_ own: KeyPair, ephemeral: [UInt8], sealed: [UInt8]) -> (state: NoiseState, remote: [UInt8])? {
    let state = begin(responder: own.publicKey)
    unsafe state.mixHash(ephemeral.span.bytes)
    unsafe state.mixKey(publicKey: ephemeral.span.bytes)
    guard let secret = X25519.sharedKey(own.privateKey, with: ephemeral) else { return nil }
    state.mixKey(secret)
    guard let remote = unsafe state.open(sealed.span.bytes) else { return nil }
    return (state, remote)
  }

  /// Reads the rest of the first message; `shared` is the secret of both static keys.
  func readPayload(_ state: NoiseState, shared: Key32, sealed: [UInt8]) -> [UInt8]? {
    state.mixKey(shared)
    return unsafe state.open(sealed.span.bytes)
  }

  /// Writes the second message; afterwards the state gives the session's keys.
  func respond(
    _ state: NoiseState, ephemeral: KeyPair, remoteEphemeral: [UInt8], remote: [UInt8], presharedKey: Key32,
    payload: [UInt8]
  ) -> [UInt8]? {
    unsafe state.mixHash(ephemeral.publicKey.span.bytes)
    unsafe state.mixKey(publicKey: ephemeral.publicKey.span.bytes)
    guard let first = X25519.sharedKey(ephemeral.privateKey, with: remoteEphemeral) else { return nil }
    state.mixKey(first)
    guard let second = X25519.sharedKey(ephemeral.privateKey, with: remote) else { return nil }
    state.mixKey(second)
    state.mixKeyAndHash(presharedKey)
    return unsafe state.seal(payload.span.bytes)
  }

  /// Reads the second message; the state that comes back gives the session's keys.
  func readResponse(
    _ initiation: Initiation, own: KeyPair, remoteEphemeral: [UInt8], presharedKey: Key32, sealed: [UInt8]
  ) -> (state: NoiseState, payload: [UInt8])? {
    // A copy, because anybody can send a response that turns out to be forged, and the true one may still come.
    let state = NoiseState(copying: initiation.state)
    unsafe state.mixHash(remoteEphemeral.span.bytes)
    unsafe state.mixKey(publicKey: remoteEphemeral.span.bytes)
    guard let first = X25519.sharedKey(initiation.ephemeral.privateKey, with: remoteEphemeral) else { return nil }
    state.mixKey(first)
    guard let second = X25519.sharedKey(own.privateKey, with: remoteEphemeral) else { return nil }
    state.mixKey(second)
    state.mixKeyAndHash(presharedKey)
    guard let payload = unsafe state.open(sealed.span.bytes) else { return nil }
    return (state, payload)
  }

  private func begin(responder: [UInt8]) -> NoiseState {
    let state = NoiseState(protocolName: name, prologue: prologue, machine: machine)
    unsafe state.mixHash(responder.span.bytes)
    return state
  }
}
