// One libFuzzer program for every parser of untrusted input; FUZZ_TARGET in the environment names the parser.
// A run fails when a parser crashes, hangs, or breaks the law of its format that is checked beside it.
import Attestation
import Cryptography
import Diagnostics
import Evidence
import Glibc
import Gates
import InTotoLayout
import StrictJSON
import TransparencyLog
import Wire

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
  case "bundle": bundle(bytes)
  case "certificate": certificate(bytes)
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

/// The functionary and owner of every layout of the fuzzer; the seeds know the public half.
private let signer: Ed25519.SigningKey? = {
  var seed = [UInt8](repeating: 7, count: 32)
  return try? Ed25519.SigningKey(seed: SecretBytes(consuming: &seed))
}()

/// A metablock of `content`, signed.
private func signed(_ content: JSON) -> [UInt8]? {
  guard let signer, let bytes = try? OLPCCanonicalJSON.encode(content) else { return nil }
  let signature: JSON = ["keyid": "", "sig": .string(Hex.encode(signer.sign(bytes)))]
  return (["signed": content, "signatures": [signature]] as JSON).canonical
}

/// A layout is judged as it stands, which nobody has signed, and then signed, so that its steps and rules are reached.
private func layout(_ bytes: [UInt8]) {
  guard let signer, let time = Timestamp(seconds: 1_795_348_800), let policy = try? AlgorithmPolicy(),
    let key = try? LayoutKey(ed25519: signer.publicKey.bytes), let metadata = try? SignedMetadata(parsing: bytes)
  else { return }
  let judge = LayoutJudge(time: time, policy: policy, parameters: (try? Parameters(["name": "value"])) ?? Parameters())
  if let verdict = try? judge.judge(metadata, keys: [key], links: LinkFolder()) {
    precondition(verdict.checks.outcome == .failed, "a layout passed without a signature or a link")
  }
  let artifacts: JSON = ["foo.py": ["sha256": .string(String(repeating: "0", count: 64))]]
  let made: JSON = [
    "_type": "link", "name": "a", "command": [], "materials": artifacts, "products": artifacts,
  ]
  guard case .object(let object) = try? JSON(parsing: bytes), let content = object["signed"], let link = signed(made),
    let again = signed(content), let resigned = try? SignedMetadata(parsing: again)
  else { return }
  // The layout in the place of a link is a sublayout of itself.
  let inner = LinkFolder(files: [LinkFolder.File(name: "a.b.link", bytes: link)])
  let folder = LinkFolder(
    files: inner.files + [LinkFolder.File(name: "a.c.link", bytes: again)], folders: ["a.c": inner])
  guard let verdict = try? judge.judge(resigned, keys: [key], links: folder) else { return }
  precondition(verdict.checks.outcome == (try? judge.judge(resigned, keys: [key], links: folder))?.checks.outcome)
}

/// A link, and a key object: what is read keeps within its limits.
private func link(_ bytes: [UInt8]) {
  _ = try? LayoutKey(parsing: bytes)
  guard let metadata = try? SignedMetadata(parsing: bytes), let link = try? Link(metadata) else { return }
  for path in link.products.paths {
    precondition(!path.text.isEmpty && link.products.hashes[path]?.digests.isEmpty == false, "an artifact has no hash")
  }
}

/// Words of a rule, one a line; the last line is a path. A pattern without its special characters matches itself alone.
private func rule(_ bytes: [UInt8]) {
  var words = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    .map(String.init)
  let path = words.popLast() ?? ""
  guard let rule = try? ArtifactRule(words) else { return }
  let matches = rule.pattern.matches(path)
  if !rule.pattern.text.unicodeScalars.contains(where: { "*?[".unicodeScalars.contains($0) }) {
    precondition(matches == path.utf8.elementsEqual(rule.pattern.text.utf8), "a plain pattern matched another path")
  }
}
