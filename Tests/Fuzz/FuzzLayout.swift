import Attestation
import Cryptography
import Diagnostics
import InTotoLayout
import StrictJSON
import Wire

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
func layout(_ bytes: [UInt8]) {
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
func link(_ bytes: [UInt8]) {
  _ = try? LayoutKey(parsing: bytes)
  guard let metadata = try? SignedMetadata(parsing: bytes), let link = try? Link(metadata) else { return }
  for path in link.products.paths {
    precondition(!path.text.isEmpty && link.products.hashes[path]?.digests.isEmpty == false, "an artifact has no hash")
  }
}

/// Words of a rule, one a line; the last line is a path. A pattern without its special characters matches itself alone.
func rule(_ bytes: [UInt8]) {
  var words = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    .map(String.init)
  let path = words.popLast() ?? ""
  guard let rule = try? ArtifactRule(words) else { return }
  let matches = rule.pattern.matches(path)
  if !rule.pattern.text.unicodeScalars.contains(where: { "*?[".unicodeScalars.contains($0) }) {
    precondition(matches == path.utf8.elementsEqual(rule.pattern.text.utf8), "a plain pattern matched another path")
  }
}
