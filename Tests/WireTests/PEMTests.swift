import Diagnostics
import Testing
import Wire

@Suite struct PEMTests {
  private static func read(_ text: String, atMost limit: Int = 2) -> Result<[PEM.Block], Problem> {
    Result { () throws(Problem) in
      try PEM.blocks(Array(text.utf8), labels: ["KEY", "LOCK"], atMost: limit) { why in .malformed("test.pem", why) }
    }
  }

  @Test func readsBlocksOneAfterAnother() throws {
    let one = "-----BEGIN KEY-----\nAAEC\nAwQF\n-----END KEY-----\n"
    let two = "\n-----BEGIN LOCK-----\r\nBg==\r\n-----END LOCK-----"
    let blocks = try Self.read(one + two).get()
    #expect(blocks.map(\.label) == ["KEY", "LOCK"])
    #expect(blocks.map(\.bytes) == [[0, 1, 2, 3, 4, 5], [6]])
  }

  @Test(arguments: [
    ("", "test.pem"), ("\n\n", "test.pem"), ("AAEC\n", "test.pem"),
    ("text\n-----BEGIN KEY-----\nAAEC\n-----END KEY-----\n", "test.pem"),
    ("-----BEGIN KEY-----\nAAEC\n-----END KEY-----\ntext\n", "test.pem"),
    ("-----BEGIN KEY-----\nAAEC\n-----END KEY-----x\n", "test.pem"),
    ("-----BEGIN KEY-----\nAAEC\n", "test.pem"), ("-----BEGIN KEY-----\nAAEC", "test.pem"),
    ("-----BEGIN KEY-----\nAAEC\n-----END LOCK-----\n", "test.pem"),
    ("-----BEGIN OTHER-----\nAAEC\n-----END OTHER-----\n", "test.pem"),
    ("-----BEGIN KEY-----\nAAE\n-----END KEY-----\n", "base64.length"),
    ("-----BEGIN KEY-----\nAAE C\n-----END KEY-----\n", "base64.length"),
    ("-----BEGIN KEY-----\nAA-_\n-----END KEY-----\n", "base64.character"),
  ])
  func refuses(text: String, code: String) {
    #expect(throws: Problem.malformed(code, "")) { try Self.read(text).get() }
  }

  @Test func countsTheBlocks() {
    let block = "-----BEGIN KEY-----\nAAEC\n-----END KEY-----\n"
    #expect((try? Self.read(block + block).get().count) == 2)
    #expect(throws: Problem.malformed("test.pem", "")) { try Self.read(block + block, atMost: 1).get() }
  }
}
