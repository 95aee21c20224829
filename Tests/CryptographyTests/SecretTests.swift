import Cryptography
import Diagnostics
import Testing

/// A secret from plain bytes, for tests alone.
func secret(_ bytes: [UInt8]) -> SecretBytes {
  var copy = bytes
  return SecretBytes(consuming: &copy)
}

/// The bytes of a secret, for tests alone.
func plain(_ secret: SecretBytes) -> [UInt8] {
  unsafe secret.withBytes { unsafe Array(UnsafeBufferPointer(start: $0, count: secret.count)) }
}

@Suite struct SecretTests {
  /// Bytes that are readable text, so that a leak of any form would show it.
  static let content = Array("topsecretmaterial".utf8)

  @Test func keepsItsBytesAndWipesTheSource() {
    var source = SecretTests.content
    let value = SecretBytes(consuming: &source)
    #expect(source.isEmpty)
    #expect(plain(value) == SecretTests.content)
  }

  /// P1-12: no way of printing shows the content, neither as text nor as numbers.
  @Test func neverPrintsItsContent() {
    struct Holder { let key: SecretBytes }
    let value = secret(SecretTests.content)
    let first = "\(SecretTests.content[0]), \(SecretTests.content[1])"
    var dumped = ""
    dump(value, to: &dumped)
    dump(Holder(key: value), to: &dumped)
    let texts = [
      String(describing: value), String(reflecting: value), "\(value)", "\(Holder(key: value))",
      String(reflecting: Holder(key: value)), dumped,
    ]
    for text in texts {
      #expect(!text.contains("topsecret") && !text.contains(first) && !text.contains("746f70"))
      #expect(text.contains("REDACTED"))
    }
    // The control: the same checks do see an ordinary array.
    #expect("\(SecretTests.content)".contains(first))
  }

  @Test func signingKeysDoNotPrintTheirSeed() throws {
    let key = try Ed25519.SigningKey(seed: secret(Array(repeating: 0x41, count: 32)))
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped] {
      #expect(!text.contains("65, 65, 65") && !text.contains("AAAA") && text.contains("REDACTED"))
    }
  }

  @Test func fillsAndThrows() {
    let error = #expect(throws: Problem.self) {
      try unsafe SecretBytes(count: 8) { _ throws(Problem) in throw .malformed("test.reason", "no") }
    }
    #expect(error?.code == "test.reason")
  }
}
