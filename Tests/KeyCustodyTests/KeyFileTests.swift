import Cryptography
import Diagnostics
@testable import KeyCustody
import LinuxKit
import StrictJSON
import Testing
import Wire

@Suite struct KeyFileTests {
  let sandbox: Sandbox
  let key: Ed25519.SigningKey
  let file: [UInt8]

  init() throws {
    sandbox = try Sandbox()
    (key, file) = try Sample.made.get()
  }

  private func expect(_ code: String, _ body: () throws -> Void) {
    let error = #expect(throws: Problem.self) { try body() }
    #expect(error?.code == code)
  }

  // MARK: round trips

  @Test func createsAndLoads() throws {
    try KeyFile.create(
      path: sandbox.keyPath, key: key, passphrase: Sample.passphrase, created: Sample.created, cost: try Sample.cheap)
    let status = try #require(FileSystem.status(sandbox.keyPath))
    #expect(status.permissions == 0o600)
    let loaded = try KeyFile.load(path: sandbox.keyPath, passphrase: Sample.passphrase)
    #expect(loaded.publicKey == key.publicKey)
    #expect(loaded.sign([1, 2, 3]) == key.sign([1, 2, 3]))
    #expect(try KeyFile.publicKey(path: sandbox.keyPath) == key.publicKey)
    #expect(try FileSystem.list(sandbox.path) == ["release.key"])
  }

  @Test func theFileShowsFactsAndNoSecret() throws {
    let sealed = try SealedKey(parsing: file)
    #expect(sealed.created == Sample.created)
    #expect(sealed.label.comment == "for tests" && sealed.label.use == "release")
    #expect(sealed.bytes == file)
    let seed = Array(Sample.text(key.seed).utf8)
    let text = String(decoding: file, as: UTF8.self)
    #expect(!file.contains(seed) && !text.contains(Base64.encode(seed)) && !text.contains(Hex.encode(seed)))
    #expect(!sealed.facts.canonicalText.contains("ciphertext"))
  }

  /// The example of `documents/specs/sealed-key.md` opens with the passphrase that stands beside it.
  @Test func opensTheExampleOfTheSpecification() throws {
    var root = Path.folder(of: #filePath)
    while root != "/", FileSystem.status("\(root)/Package.swift") == nil { root = Path.folder(of: root) }
    let page = try FileSystem.read("\(root)/documents/specs/sealed-key.md", limit: 1 << 16)
    let line = try #require(page.split(separator: 0x0a).first { $0.starts(with: Array("{\"aead\"".utf8)) })
    let sealed = try SealedKey(parsing: Array(line) + [0x0a])
    #expect(sealed.cost == .standard)
    #expect(try sealed.unseal(passphrase: Sample.passphrase).publicKey == sealed.publicKey)
  }

  @Test func neverOverwrites() throws {
    let path = try sandbox.write([1], as: "release.key")
    expect("file.exists") {
      try KeyFile.create(path: path, key: key, passphrase: Sample.passphrase, created: Sample.created)
    }
    #expect(try FileSystem.read(path, limit: 10) == [1])
  }

  @Test func changesThePassphrase() throws {
    let path = try sandbox.write(file, as: "release.key")
    let new = Sample.secret("battery staple")
    expect("sealed-key.passphrase") { try KeyFile.changePassphrase(path: path, from: new, to: new) }
    #expect(try FileSystem.read(path, limit: 16_384) == file)
    try KeyFile.changePassphrase(path: path, from: Sample.passphrase, to: new, cost: try Sample.cheap)
    #expect(try KeyFile.load(path: path, passphrase: new).publicKey == key.publicKey)
    expect("sealed-key.passphrase") { _ = try KeyFile.load(path: path, passphrase: Sample.passphrase) }
    let before = try SealedKey(parsing: file)
    let after = try KeyFile.inspect(path: path)
    #expect(after.created == before.created && after.label == before.label)
    #expect(after.salt != before.salt && after.nonce != before.nonce)
    #expect(FileSystem.status(path)?.permissions == 0o600)
    #expect(try FileSystem.list(sandbox.path) == ["release.key"])
  }

  @Test(arguments: ["correct hors", "correct horse ", "Correct horse", "correct horse\n"])
  func refusesAnotherPassphrase(text: String) throws {
    let path = try sandbox.write(file, as: "release.key")
    _ = try KeyFile.load(path: path, passphrase: Sample.passphrase)
    let error = #expect(throws: Problem.self) { try KeyFile.load(path: path, passphrase: Sample.secret(text)) }
    #expect(error?.code == "sealed-key.passphrase")
    #expect(error?.kind.exitCode == .refused)
  }

  // MARK: changed files

  /// Every leaf of the document, changed to another value that the format allows where there is one.
  @Test func refusesEveryChangedLeaf() throws {
    let document = try JSON(parsing: file)
    let leaves = Mutation.leaves(of: document)
    #expect(leaves.count == 14)
    for path in leaves {
      for changed in Mutation.changes(of: document, at: path) {
        let bytes = changed.canonical + [0x0a]
        #expect(throws: Problem.self, "\(path)") {
          _ = try SealedKey(parsing: bytes).unseal(passphrase: Sample.passphrase)
        }
      }
    }
    let control = document.canonical + [0x0a]
    _ = try SealedKey(parsing: control).unseal(passphrase: Sample.passphrase)
  }

  @Test func refusesTheFileCutAtEveryByte() throws {
    for length in 0..<file.count {
      #expect(throws: Problem.self) { try SealedKey(parsing: Array(file.prefix(length))) }
    }
    _ = try SealedKey(parsing: file)
  }

  /// One key has one spelling, in a closed format with a version.
  @Test func refusesOtherSpellings() throws {
    let text = String(decoding: file, as: UTF8.self)
    let vectors: [(String, String)] = [
      (text + "\n", "sealed-key.canonical"), (" " + text, "sealed-key.canonical"),
      (String(text.dropLast()), "sealed-key.canonical"), (try JSON(parsing: file).pretty, "sealed-key.canonical"),
      (text.replacing("sealed-key/v1", with: "sealed-key/v2"), "sealed-key.version"),
      (text.replacing("sealed-key/v1", with: "other/v1"), "sealed-key.version"),
      (text.replacing("\"use\"", with: "\"usage\""), "json.unknown-field"),
      (text.replacing("\"opslimit\"", with: "\"passes\""), "json.unknown-field"),
      (text.replacing("\"nonce\"", with: "\"iv\""), "json.unknown-field"),
      (text.replacing("\"use\":\"release\"", with: "\"use\":\"a\",\"use\":\"b\""), "json.duplicate-key"),
      (text.replacing("argon2id", with: "scrypt"), "sealed-key.algorithm"),
      (text.replacing("xchacha20-poly1305", with: "aes-256-gcm"), "sealed-key.algorithm"),
      (text.replacing("\"ed25519\"", with: "\"ed448\""), "sealed-key.algorithm"),
    ]
    for (text, code) in vectors { expect(code) { _ = try SealedKey(parsing: Array(text.utf8)) } }
  }

  @Test(arguments: [(0, 19_922_944), (11, 19_922_944), (1, 19_922_943), (1, 268_435_457), (1, 1 << 52)])
  func refusesACostOutOfBounds(passes: Int, memory: Int) throws {
    let text = String(decoding: file, as: UTF8.self)
      .replacing("\"opslimit\":1", with: "\"opslimit\":\(passes)")
      .replacing("\"memlimit\":19922944", with: "\"memlimit\":\(memory)")
    let error = #expect(throws: Problem.self) { try SealedKey(parsing: Array(text.utf8)) }
    #expect(error?.code == "argon2id.cost")
    #expect(error?.kind.exitCode == .refused)
  }

  /// A sealed key whose stated public key is another one: only who knows the passphrase can make it.
  @Test func refusesAPublicKeyOfAnotherKey() throws {
    let sealed = try SealedKey(
      sealing: key, stating: Ed25519.SigningKey().publicKey, passphrase: Sample.passphrase, created: Sample.created,
      label: .none, cost: try Sample.cheap)
    expect("sealed-key.public-key") {
      _ = try SealedKey(parsing: sealed.bytes).unseal(passphrase: Sample.passphrase)
    }
  }

  @Test func refusesAHugeFile() throws {
    let path = try sandbox.write(Array(repeating: 0x20, count: SealedKey.sizeLimit + 1), as: "release.key")
    expect("file.size") { _ = try KeyFile.inspect(path: path) }
  }

  @Test(arguments: ["two\nlines", "\u{1b}[31m", String(repeating: "x", count: 257)])
  func refusesOtherComments(comment: String) throws {
    _ = try SealedKey.Label(comment: "Schlüssel für 2026", use: "release.2026_a-b")
    expect("sealed-key.comment") { _ = try SealedKey.Label(comment: comment) }
    expect("sealed-key.use") { _ = try SealedKey.Label(use: comment) }
    expect("sealed-key.use") { _ = try SealedKey.Label(use: "") }
  }
}

/// Changes documents leaf by leaf.
enum Mutation {
  static func leaves(of value: JSON) -> [[String]] {
    guard case .object(let object) = value else { return [[]] }
    return object.members.flatMap { member in leaves(of: member.value).map { [member.key] + $0 } }
  }

  /// The document without the leaf, and with other values in its place.
  static func changes(of document: JSON, at path: [String]) -> [JSON] {
    var old: JSON? = document
    for key in path { if case .object(let object)? = old { old = object[key] } }
    var values: [JSON?] = [nil, .null, "", 7]
    switch old {
    case .integer(let number): values += [.integer(number + 1)]
    case .string(let text):
      for index in text.indices {
        let other: Character = text[index] == "1" ? "2" : "1"
        values.append(.string(text.replacingCharacter(at: index, by: other)))
      }
      // Unsealing costs a pass over 19 MiB, so that of the many places of a long text some stand for all.
      if values.count > 12 { values = Array(values.prefix(6)) + values.suffix(3) }
    default: break
    }
    return values.map { replace(document, path[...], by: $0) }
  }

  private static func replace(_ value: JSON, _ path: ArraySlice<String>, by new: JSON?) -> JSON {
    guard case .object(var object) = value, let key = path.first, let old = object[key] else { return value }
    object[key] = path.count == 1 ? new : replace(old, path.dropFirst(), by: new)
    return .object(object)
  }
}

extension String {
  /// The text with one character exchanged.
  func replacingCharacter(at index: Index, by character: Character) -> String {
    self[..<index] + String(character) + self[self.index(after: index)...]
  }
}

extension Array where Element: Equatable {
  /// Whether `other` stands somewhere in this array.
  func contains(_ other: [Element]) -> Bool {
    guard !other.isEmpty, other.count <= count else { return false }
    return (0...(count - other.count)).contains { self[$0..<$0 + other.count].elementsEqual(other) }
  }
}
