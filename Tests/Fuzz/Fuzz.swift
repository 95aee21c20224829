// One libFuzzer program for every parser of untrusted input; FUZZ_TARGET in the environment names the parser.
// A run fails when a parser crashes, hangs, or breaks the law of its format that is checked beside it.
import Attestation
import Cryptography
import Diagnostics
import Evidence
import ForeignSignatures
import Glibc
import Gates
import InTotoLayout
import KernelTunnel
import KeyCustody
import NetlinkKit
import StrictJSON
import TransparencyLog
import UserspaceTunnel
import Wire
import WireGuard
import X509

private let target: String = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? "json"

/// Called by libFuzzer with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  // Safe: libFuzzer lends `count` bytes for the call.
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  switch target {
  case "json": json(bytes)
  case "dsse": dsse(bytes)
  case "note": note(bytes)
  case "tile": tile(bytes)
  case "pack": pack(bytes)
  case "trust": trust(bytes)
  case "layout": layout(bytes)
  case "link": link(bytes)
  case "rule": rule(bytes)
  case "signer": signer(bytes)
  case "bundle": bundle(bytes)
  case "certificate": certificate(bytes)
  case "sshsig": sshsig(bytes)
  case "signers": signers(bytes)
  case "minisign": minisign(bytes)
  case "timestamp": timestamp(bytes)
  case "provenance": provenance(bytes)
  case "supply": supply(bytes)
  case "netlink": netlink(bytes)
  case "initiation": initiation(bytes)
  case "response": response(bytes)
  case "cookie": cookie(bytes)
  case "uapi": uapi(bytes)
  case "frame": frame(bytes)
  default: fatalError("no such fuzz target: \(target)")
  }
  return 0
}

/// What parses has a canonical form that is its own canonical form.
///
/// One exception: RFC 8785 writes 1e20 as an integer, and integers beyond 2^53-1 are refused.
private func json(_ bytes: [UInt8]) {
  guard let value = try? JSON(parsing: bytes) else { return }
  let canonical = value.canonical
  do throws(Problem) {
    let again = try JSON(parsing: canonical)
    precondition(again.canonical == canonical, "the canonical form is not stable")
  } catch {
    precondition(error.code == "json.number-range", "the canonical form does not parse")
  }
}

/// An envelope that parses survives being written.
private func dsse(_ bytes: [UInt8]) {
  guard let envelope = try? Envelope(parsing: bytes) else { return }
  precondition((try? Envelope(parsing: envelope.encoded)) == envelope, "an envelope changed on its way")
  _ = try? Statement(parsing: envelope.payload)
}

/// A note that parses has exactly one spelling; checkpoints and proofs are notes with more rules.
private func note(_ bytes: [UInt8]) {
  if let note = try? SignedNote(parsing: bytes) {
    precondition(note.bytes == bytes, "a note has two spellings")
    _ = try? Checkpoint(text: note.text)
  }
  if let proof = try? InclusionProof(parsing: bytes) {
    precondition(proof.bytes == bytes, "a proof has two spellings")
  }
}

/// The first byte is the width; tiles and bundles must be used up to the last byte.
private func tile(_ bytes: [UInt8]) {
  guard let width = bytes.first.map({ Int($0) + 1 }) else { return }
  let content = Array(bytes.dropFirst())
  if let hashes = try? HashTile.parse(content, width: width, stored: width) {
    precondition(HashTile.serialise(hashes) == content, "a tile has two spellings")
  }
  if let entries = try? EntryBundle.parse(content, count: width) {
    var written: [UInt8] = []
    for entry in entries { EntryBundle.append(entry, to: &written) }
    precondition(written == content, "a bundle has two spellings")
  }
  _ = try? Tile(path: String(decoding: content, as: UTF8.self))
}

/// A container that parses has exactly one spelling.
private func pack(_ bytes: [UInt8]) {
  guard let members = try? Container.decode(bytes) else { return }
  precondition((try? Container.encode(members)) == bytes, "a pack has two spellings")
  guard let pack = try? Pack(parsing: bytes) else { return }
  _ = try? pack.claim()
  _ = try? pack.deriveVerdict()
}

/// Trust files, policies and gates: what parses is written back to something that parses to the same.
private func trust(_ bytes: [UInt8]) {
  if let file = try? TrustFile(parsing: bytes) {
    precondition((try? TrustFile(parsing: file.json.canonical)) == file, "a trust file changed on its way")
  }
  if let policy = try? ReleasePolicy(parsing: bytes), let document = try? JSON(parsing: bytes) {
    // The digest that pins a policy is over the canonical form: layout must not change it.
    precondition((try? ReleasePolicy(parsing: document.canonical))?.digest == policy.digest, "layout changed a digest")
  }
  _ = try? GateDefinition(yaml: bytes, name: "layers")
}

/// SSH signatures, armoured and bare; whatever a file is, it is recognised or refused.
private func sshsig(_ bytes: [UInt8]) {
  _ = try? SSHSignature(blob: bytes)
  _ = try? SSHPublicKey(parsing: bytes)
  let isArmoured = (try? SSHSignature(armoured: bytes)) != nil
  let kind = (try? Recognised(bytes))?.kind
  precondition(!isArmoured || kind == .sshsig, "a valid SSH signature is not recognised")
}

/// The allowed signers: a list that is read is read again with an empty line and a comment before it.
private func signers(_ bytes: [UInt8]) {
  guard (try? AllowedSigners(parsing: bytes)) != nil else { return }
  let more = Array("\n# a comment\n".utf8) + bytes
  precondition(
    more.count > AllowedSigners.sizeLimit || (try? AllowedSigners(parsing: more)) != nil, "a comment spoilt a list")
}

/// minisign: signatures and keys; no bytes are both.
private func minisign(_ bytes: [UInt8]) {
  let isSignature = (try? MinisignSignature(parsing: bytes)) != nil
  let isKey = (try? MinisignKey(parsing: bytes)) != nil
  precondition(!isSignature || !isKey, "a signature is a key too")
  precondition(
    !isSignature || (try? Recognised(bytes))?.kind == .minisign, "a valid minisign signature is not recognised")
}

/// A token that parses is the same token in a response made around it, and never holds over bytes it is not about.
///
/// The authorities come from the token itself, so that the fuzzer reaches the rules that verify something.
private func timestamp(_ bytes: [UInt8]) {
  _ = try? TimestampRequest(parsing: bytes)
  guard let token = try? TimestampToken(parsing: bytes) else { return }
  precondition((try? TimestampToken(parsing: token.response)) == token, "a token changed on its way")
  let certificates = token.certificates.compactMap { try? Certificate(der: $0) }
  let authorities = certificates.filter(\.isAuthority).compactMap {
    try? TimestampAuthority(chain: [$0], validFrom: $0.notBefore, validUntil: nil)
  }
  for content in [Array("message".utf8), bytes] {
    let judgement = token.judge(over: content, authorities: authorities)
    precondition(!judgement.holds || token.isAbout(content), "a token holds over other bytes")
  }
}

/// Addresses of tokens, files of external signers, attestations of keys: an attestation that parses is its facts.
private func signer(_ bytes: [UInt8]) {
  if let uri = try? TokenURI(String(decoding: bytes, as: UTF8.self)) {
    precondition(uri.object != nil || uri.id != nil, "an address names no key")
    precondition(uri.pinFile?.hasPrefix("/") ?? true, "a PIN is read from elsewhere than a file")
  }
  _ = try? ExternalSigner(parsing: bytes)
  if let attestation = try? KeyAttestation(parsing: bytes) {
    precondition((try? KeyAttestation(parsing: attestation.json.canonical)) == attestation, "an attestation changed")
  }
}

/// What the kernel could send: messages, attributes, events, and a device, which survives being written in any sizes.
private func netlink(_ bytes: [UInt8]) {
  guard let messages = try? NetlinkMessage.messages(in: bytes) else { return }
  for message in messages { _ = try? NetworkEvents.event(message) }
  guard let state = try? DeviceDecoder.state(of: messages) else { return }
  var change = DeviceChange()
  for peer in state.peers {
    var copy = PeerChange(peer.publicKey)
    copy.endpoint = peer.endpoint
    copy.allowedAddresses = peer.allowedAddresses.map { AllowedAddressChange($0) }
    change.peers.append(copy)
  }
  let family = GenericNetlink.Family(id: 32, version: 1)
  let requests = DeviceEncoder.requests(for: change, family: family, index: 1, limit: 320 + bytes.count % 1024)
  let again = try? DeviceDecoder.state(of: requests.map { try $0.readBack() })
  let ranges = { (state: DeviceState?) in
    state?.peers.flatMap { peer in peer.allowedAddresses.map { (peer.publicKey, $0) } }
  }
  precondition(
    ranges(again)?.elementsEqual(ranges(state) ?? [], by: ==) ?? false, "a device changed on its way")
}

/// The first ten octets are TUN's virtual header, the rest an inner packet: splitting stays in its bounds, and what was
/// joined is what went in.
private func frame(_ bytes: [UInt8]) {
  guard bytes.count >= 10 else { return }
  precondition(
    PacketProbe.checkFrame(bytes) == nil, "the packet path broke a rule: \(PacketProbe.checkFrame(bytes) ?? "")")
}
