import Diagnostics
import Testing
import TransparencyLog
import Wire

@Suite struct CheckpointTests {
  static let root = "vd96hvFqJj2+JRcfCM61OxT4TL0dZAw8QU76DjM/Nto="

  @Test(arguments: ["a\n1\n\(root)\n", "a b\n9223372036854775807\n\(root)\nmore\nlines\n"])
  func roundTrips(text: String) throws {
    #expect(try Checkpoint(text: text).text == text)
  }

  @Test func readsTheEmptyTree() throws {
    let text = "a\n0\n\(MerkleTree.emptyRoot)\n"
    #expect(try Checkpoint(text: text).text == text)
  }

  static let refused: [(text: String, code: String)] = [
    ("", "checkpoint.format"), ("a\n1\n", "checkpoint.format"), ("a\n1\n\(root)", "checkpoint.format"),
    ("\n1\n\(root)\n", "checkpoint.format"), ("a\n01\n\(root)\n", "checkpoint.size"),
    ("a\n-1\n\(root)\n", "checkpoint.size"),
    ("a\n+1\n\(root)\n", "checkpoint.size"), ("a\n 1\n\(root)\n", "checkpoint.size"),
    ("a\n\n\(root)\n", "checkpoint.size"),
    ("a\n9223372036854775808\n\(root)\n", "checkpoint.size"), ("a\n0\n\(root)\n", "checkpoint.root"),
    ("a\n1\n\(root.dropLast())\n", "base64.length"), ("a\n1\nAAAA\n", "merkle.hash-length"),
    ("a\n1\n\(root)\n\n", "checkpoint.format"), ("a\n1\n\(root)\n\nx\n", "checkpoint.format"),
  ]

  @Test(arguments: refused) func refuses(vector: (text: String, code: String)) {
    let error = #expect(throws: Problem.self) { try Checkpoint(text: vector.text) }
    #expect(error?.code == vector.code)
  }
}

@Suite struct InclusionProofTests {
  static let entries = MerkleModel.leaves(11)

  static func proof(_ index: Int, extra: [UInt8]? = nil) throws -> (proof: InclusionProof, key: NoteKey) {
    let signer = try SignedNoteTests.signer("log.example", 1)
    let checkpoint = try Checkpoint(
      origin: "log.example", size: 11, root: try LogHash(MerkleModel.root(entries[...])))
    let hashes = try MerkleModel.path(index, entries[...]).map { try LogHash($0) }
    let signed = try SignedCheckpoint(checkpoint, signers: [signer])
    return (InclusionProof(extra: extra, index: index, hashes: hashes, checkpoint: signed), signer.key)
  }

  @Test(arguments: 0..<11) func roundTripsAndVerifies(index: Int) throws {
    for extra in [nil, [], [1, 2, 3]] as [[UInt8]?] {
      let (proof, key) = try InclusionProofTests.proof(index, extra: extra)
      #expect(try InclusionProof(parsing: proof.bytes) == proof)
      try proof.verify(entry: InclusionProofTests.entries[index], keys: [key], origin: "log.example")
    }
  }

  @Test func refusesOtherEntriesKeysAndOrigins() throws {
    let (proof, key) = try InclusionProofTests.proof(4)
    let entry = InclusionProofTests.entries[4]
    #expect(throws: Problem.refused("merkle.root", "")) {
      try proof.verify(entry: entry + [0], keys: [key], origin: "log.example")
    }
    #expect(throws: Problem.refused("checkpoint.origin", "")) {
      try proof.verify(entry: entry, keys: [key], origin: "other.example")
    }
    let stranger = try SignedNoteTests.signer("log.example", 2).key
    #expect(throws: Problem.refused("note.unsigned", "")) {
      try proof.verify(entry: entry, keys: [stranger], origin: "log.example")
    }
    // A known witness alone does not speak for the log.
    let witness = try SignedNoteTests.signer("witness.example", 3)
    let witnessed = try SignedCheckpoint(proof.checkpoint.checkpoint, signers: [witness])
    let alone = InclusionProof(index: 4, hashes: proof.hashes, checkpoint: witnessed)
    #expect(throws: Problem.refused("checkpoint.unsigned", "")) {
      try alone.verify(entry: entry, keys: [key, witness.key], origin: "log.example")
    }
  }

  /// Every byte of a proof file counts: whichever is changed, the file is refused.
  @Test func refusesEveryChangedByte() throws {
    let (proof, key) = try InclusionProofTests.proof(4)
    let good = proof.bytes
    for place in good.indices {
      var bytes = good
      bytes[place] ^= 1
      #expect(throws: Problem.self, "byte \(place)") {
        try InclusionProof(parsing: bytes)
          .verify(entry: InclusionProofTests.entries[4], keys: [key], origin: "log.example")
      }
    }
  }

  @Test func refusesOtherSpellings() throws {
    let (proof, _) = try InclusionProofTests.proof(4)
    let text = String(decoding: proof.bytes, as: UTF8.self)
    let hash = MerkleTree.emptyRoot.base64
    for (old, new) in [
      ("@v1", "@v2"), ("index 4", "index 04"), ("index 4", "index -4"), ("index 4", "Index 4"), ("index 4\n", ""),
      ("index 4", "extra AAA\nindex 4"), ("index 4", "index 4\nextra AAAA"), ("index 4\n", "index 4\n\n"),
      ("index 4\n", "index 4\nAAAA\n"), ("index 4", "index 4 "), ("\n\nlog", "\nlog"), ("\n", "\r\n"),
      ("index 4\n", "index 4\n" + String(repeating: hash + "\n", count: 63)),
      ("index 4", "index 99999999999999999999"),
    ] {
      let changed = Self.replace(old, by: new, in: text)
      #expect(changed != text)
      #expect(throws: Problem.self, "\(old) → \(new)") { try InclusionProof(parsing: Array(changed.utf8)) }
    }
    #expect(throws: Problem.self) { try InclusionProof(parsing: proof.bytes + [0x0a]) }
    #expect(throws: Problem.self) { try InclusionProof(parsing: []) }
  }

  private static func replace(_ old: String, by new: String, in text: String) -> String {
    guard let range = text.firstRange(of: old) else { return text }
    return text.replacingCharacters(in: range, with: new)
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
