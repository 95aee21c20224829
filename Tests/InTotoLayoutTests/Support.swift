import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import InTotoLayout

/// Somebody who signs: the key whose seed is `number`, 32 times.
struct Signer {
  let secret: Ed25519.SigningKey
  let key: LayoutKey

  init(_ number: UInt8) throws {
    secret = try TestSupport.key(number)
    key = try LayoutKey(ed25519: secret.publicKey.bytes)
  }

  /// The key as it stands in a layout.
  var object: JSON {
    [
      "keyid": .string(key.id), "keytype": "ed25519", "scheme": "ed25519",
      "keyval": ["public": .string(Hex.encode(secret.publicKey.bytes))],
    ]
  }
}

/// A metablock over `content`, or an envelope.
func signed(_ content: JSON, by signers: [Signer], form: SignedMetadata.Form = .metablock) throws -> [UInt8] {
  if form == .dsse {
    return Envelope(
      payloadType: Envelope.statementType, payload: content.canonical, signedBy: signers.map(\.secret)
    ).encoded
  }
  let bytes = try OLPCCanonicalJSON.encode(content)
  let signatures = signers.map { signer -> JSON in
    ["keyid": .string(signer.key.id), "sig": .string(Hex.encode(signer.secret.sign(bytes)))]
  }
  return JSON.object(
    {
      var object = JSONObject()
      object["signed"] = content
      object["signatures"] = .array(signatures)
      return object
    }()
  ).canonical
}

func hash(_ text: String) -> JSON { ["sha256": .string(Digest(of: Array(text.utf8)).hex)] }

/// Artifacts: each path with the text of its content.
func artifacts(_ contents: [(String, String)]) -> JSON {
  var object = JSONObject()
  for (path, text) in contents { object[path] = hash(text) }
  return .object(object)
}

func link(
  _ name: String, materials: [(String, String)] = [], products: [(String, String)] = [], command: [String] = []
) -> JSON {
  [
    "_type": "link", "name": .string(name), "command": .array(command.map { .string($0) }), "byproducts": [:],
    "environment": [:], "materials": artifacts(materials), "products": artifacts(products),
  ]
}

func rules(_ list: [String]) -> JSON {
  .array(list.map { .array($0.split(separator: " ").map { .string(String($0)) }) })
}

func step(
  _ name: String, by signers: [Signer], threshold: Int64 = 1, materials: [String] = [], products: [String] = [],
  command: [String] = []
) -> JSON {
  [
    "_type": "step", "name": .string(name), "threshold": .integer(threshold),
    "expected_command": .array(command.map { .string($0) }), "expected_materials": rules(materials),
    "expected_products": rules(products), "pubkeys": .array(signers.map { .string($0.key.id) }),
  ]
}

func layout(
  keys: [Signer], steps: [JSON], inspections: [JSON] = [], expires: String = "2027-01-01T00:00:00Z"
) -> JSON {
  var objects = JSONObject()
  for signer in keys { objects[signer.key.id] = signer.object }
  return [
    "_type": "layout", "expires": .string(expires), "readme": "", "keys": .object(objects), "steps": .array(steps),
    "inspect": .array(inspections),
  ]
}

/// The supply chain of most tests: ada writes and bob packs; the owner signs.
struct Chain {
  let owner: Signer
  let ada: Signer
  let bob: Signer
  let eve: Signer

  init() throws {
    (owner, ada, bob, eve) = (try Signer(1), try Signer(2), try Signer(3), try Signer(4))
  }

  /// What the owner wants.
  func steps(threshold: Int64 = 1, packers: [Signer]? = nil) -> [JSON] {
    [
      step("write", by: [ada], products: ["CREATE foo.py", "DISALLOW *"]),
      step(
        "pack", by: packers ?? [bob], threshold: threshold,
        materials: ["MATCH foo.py WITH PRODUCTS FROM write", "DISALLOW *"],
        products: ["CREATE foo.tar", "ALLOW foo.py", "DISALLOW *"], command: ["tar"]),
    ]
  }

  var written: JSON { link("write", products: [("foo.py", "code")]) }
  var packed: JSON {
    link("pack", materials: [("foo.py", "code")], products: [("foo.tar", "archive")], command: ["tar"])
  }

  /// The links as they should be.
  func folder(form: SignedMetadata.Form = .metablock) throws -> LinkFolder {
    LinkFolder(files: [
      file("write.ada.link", try signed(written, by: [ada], form: form)),
      file("pack.bob.link", try signed(packed, by: [bob], form: form)),
    ])
  }

  func judge(
    _ content: JSON, _ folder: LinkFolder, form: SignedMetadata.Form = .metablock, at time: Timestamp = now,
    parameters: Parameters = Parameters(), inspected: [String: Result<Link, Problem>] = [:]
  ) throws -> LayoutJudge.Verdict {
    try LayoutJudge(time: time, policy: try AlgorithmPolicy(), parameters: parameters, inspected: inspected)
      .judge(
        try SignedMetadata(parsing: try signed(content, by: [owner], form: form)), keys: [owner.key], links: folder)
  }
}

func file(_ name: String, _ bytes: [UInt8]) -> LinkFolder.File { LinkFolder.File(name: name, bytes: bytes) }

extension LayoutJudge.Verdict {
  /// The codes of what failed, sorted; empty where everything passed.
  var failures: [String] { checks.filter { $0.outcome == .failed }.map(\.code).sorted() }
  /// The codes of what was not run, each once.
  var notRun: [String] { Set(checks.filter { $0.outcome == .notRun }.map(\.code)).sorted() }
}
