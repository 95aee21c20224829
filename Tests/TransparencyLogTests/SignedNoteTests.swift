import Cryptography
import Diagnostics
import Testing
import TransparencyLog
import Wire

@Suite struct SignedNoteTests {
  /// The example of golang.org/x/mod/sumdb/note, which is public.
  static let verifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
  static let text =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
  static let line =
    "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

  @Test func verifiesTheKnownNote() throws {
    let key = try NoteKey(SignedNoteTests.verifierKey)
    #expect(key.name == "PeterNeumann")
    #expect(key.id == 0xc74f_20a3)
    #expect(key.description == SignedNoteTests.verifierKey)
    let bytes = Array("\(SignedNoteTests.text)\n\(SignedNoteTests.line)".utf8)
    let note = try SignedNote(parsing: bytes)
    #expect(note.text == SignedNoteTests.text)
    #expect(note.bytes == bytes)
    #expect(try note.verify(by: [key]) == [key])
  }

  static func signer(_ name: String, _ seed: UInt8) throws -> NoteSigner {
    var bytes = [UInt8](repeating: seed, count: 32)
    return try NoteSigner(name: name, signingKey: try Ed25519.SigningKey(seed: SecretBytes(consuming: &bytes)))
  }

  @Test func ignoresStrangersAndRefusesWrongSignaturesOfFriends() throws {
    let a = try SignedNoteTests.signer("a.example", 1)
    let b = try SignedNoteTests.signer("b.example", 2)
    let impostor = try SignedNoteTests.signer("a.example", 3)
    let note = try SignedNote(text: "text\n", signers: [a, b])
    #expect(try note.verify(by: [a.key]) == [a.key])
    #expect(try note.verify(by: [b.key, a.key]) == [a.key, b.key])
    #expect(throws: Problem.refused("note.unsigned", "")) { try note.verify(by: []) }
    #expect(throws: Problem.refused("note.unsigned", "")) { try note.verify(by: [impostor.key]) }
    // The same id under another name is another key.
    let renamed = note.signatures.map { NoteSignature(name: "c.example", id: $0.id, signature: $0.signature) }
    #expect(throws: Problem.refused("note.unsigned", "")) {
      try SignedNoteTests.note("text\n", renamed).verify(by: [a.key, b.key])
    }
    // One good and one wrong signature of known keys: the whole note is refused.
    let wrong = NoteSignature(name: b.key.name, id: b.key.id, signature: note.signatures[0].signature)
    let mixed = try SignedNoteTests.note("text\n", [note.signatures[0], wrong])
    #expect(throws: Problem.refused("note.signature", "")) { try mixed.verify(by: [a.key, b.key]) }
    #expect(try mixed.verify(by: [a.key]) == [a.key])
    let twice = try SignedNoteTests.note("text\n", [note.signatures[0], note.signatures[0]])
    #expect(throws: Problem.refused("note.duplicate", "")) { try twice.verify(by: [a.key]) }
    let short = NoteSignature(name: a.key.name, id: a.key.id, signature: Array(note.signatures[0].signature.dropLast()))
    #expect(throws: Problem.refused("note.signature", "")) {
      try SignedNoteTests.note("text\n", [short]).verify(by: [a.key])
    }
    #expect(throws: Problem.refused("note.signature", "")) {
      try SignedNoteTests.note("Text\n", [note.signatures[0]]).verify(by: [a.key])
    }
  }

  static func note(_ text: String, _ signatures: [NoteSignature]) throws -> SignedNote {
    var file = "\(text)\n"
    for signature in signatures {
      let id = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: signature.id >> $0) }
      file += "\u{2014} \(signature.name) \(Base64.encode(id + signature.signature))\n"
    }
    return try SignedNote(parsing: Array(file.utf8))
  }

  static let refused: [(file: String, code: String)] = [
    ("", "note.format"), ("\n", "note.format"), ("\n\n", "note.signature-line"), ("text\n", "note.format"),
    ("text\n\n", "note.signature-line"), ("text\n\(line)", "note.format"),
    ("text\n\n\(line.dropLast())", "note.format"),
    ("text\n\n\(line)\n", "note.signature-line"), ("text\n\n\(line)x\n", "note.signature-line"),
    ("te\txt\n\n\(line)", "note.character"), ("te\rxt\n\n\(line)", "note.character"),
    ("te\0xt\n\n\(line)", "note.character"), ("text\n\n- a AAAAAAAA\n", "note.signature-line"),
    ("text\n\n\u{2014}  a AAAAAAAA\n", "note.signature-line"),
    ("text\n\n\u{2014} a AAAAAAAA \n", "note.signature-line"),
    ("text\n\n\u{2014} a+b AAAAAAAA\n", "note.signature-line"), ("text\n\n\u{2014}  AAAAAAAA\n", "note.signature-line"),
    ("text\n\n\u{2014} a\u{2003}b AAAAAAAA\n", "note.signature-line"),
    ("text\n\n\u{2014} a AAAA\n", "note.signature-line"),
    ("text\n\n\u{2014} a AAAAAAA\n", "base64.length"), ("text\n\n\u{2014} a AAAAAAB=\n", "base64.spare-bits"),
    ("text\n\n" + String(repeating: "\u{2014} a AAAAAAAA\n", count: 65), "note.signatures"),
    (String(repeating: "x", count: 65_536) + "\n\n\(line)", "note.size"),
  ]

  @Test(arguments: refused) func refuses(vector: (file: String, code: String)) {
    let error = #expect(throws: Problem.self) { try SignedNote(parsing: Array(vector.file.utf8)) }
    #expect(error?.code == vector.code)
  }

  @Test func readsWhatStandsNextToTheRefused() throws {
    for file in [
      "text\n\n\u{2014} a AAAAAAAA\n", "\n\n\u{2014} a AAAAAAA=\n", "a\n\nb\n\n\u{2014} \u{e9} AAAAAAAA\n",
      "text\n\n" + String(repeating: "\u{2014} a AAAAAAAA\n", count: 64),
    ] {
      #expect(try SignedNote(parsing: Array(file.utf8)).bytes == Array(file.utf8))
    }
    let error = #expect(throws: Problem.self) {
      try SignedNote(parsing: [0xff, 0x0a, 0x0a] + Array(SignedNoteTests.line.utf8))
    }
    #expect(error?.code == "note.character")
  }

  static let keys: [(text: String, code: String)] = [
    ("", "note.key"), ("PeterNeumann", "note.key"), ("PeterNeumann+c74f20a3", "note.key"),
    ("PeterNeumann+c74f20a2+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "note.key"),
    ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "note.key"),
    ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "note.key-name"),
    ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "note.key-name"),
    ("PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "note.key"),
    ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=", "key.length"),
  ]

  @Test(arguments: keys) func refusesKeys(vector: (text: String, code: String)) {
    let error = #expect(throws: Problem.self) { try NoteKey(vector.text) }
    #expect(error?.code == vector.code)
  }
}
