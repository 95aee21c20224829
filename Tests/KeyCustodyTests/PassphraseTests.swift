import Cryptography
import Diagnostics
import Glibc
@testable import KeyCustody
import LinuxKit
import Testing

@Suite struct PassphraseTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  private func expect(_ code: String, _ source: PassphraseSource) {
    let error = #expect(throws: Problem.self) { try source.read() }
    #expect(error?.code == code)
  }

  static let contents: [(String, String)] = [
    ("secret", "secret"), ("secret\n", "secret"), ("secret\n\n", "secret\n"), (" a b ", " a b "),
    ("p\u{0}q", "p\u{0}q"),
    ("pässwörd\r\n", "pässwörd\r"), (String(repeating: "x", count: 4096), String(repeating: "x", count: 4096)),
    (String(repeating: "x", count: 4095) + "\n", String(repeating: "x", count: 4095)),
  ]

  @Test(arguments: contents) func readsFilesAndDescriptors(content: String, expected: String) throws {
    let path = try sandbox.write(Array(content.utf8), as: "passphrase")
    #expect(Sample.text(try PassphraseSource.file(path).read()).utf8.elementsEqual(expected.utf8))
    let file = try FileSystem.open(path)
    #expect(Sample.text(try PassphraseSource.descriptor(file.number).read()).utf8.elementsEqual(expected.utf8))
    // The caller's descriptor stays open.
    _ = try file.status()
  }

  @Test func readsAPipeInPieces() throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    let reader = FileDescriptor(adopting: ends[0], path: "reader")
    do {
      let writer = FileDescriptor(adopting: ends[1], path: "writer")
      try writer.write(Array("cor".utf8))
      try writer.write(Array("rect\n".utf8))
    }
    #expect(Sample.text(try PassphraseSource.descriptor(reader.number).read()) == "correct")
  }

  @Test(arguments: [("", "passphrase.empty"), ("\n", "passphrase.empty")])
  func refusesAnEmptyOne(content: String, code: String) throws {
    expect(code, .file(try sandbox.write(Array(content.utf8), as: "passphrase")))
  }

  @Test(arguments: [4097, 100_000]) func refusesALongOne(count: Int) throws {
    let path = try sandbox.write(Array(repeating: 0x78, count: count), as: "passphrase")
    expect("passphrase.size", .file(path))
  }

  @Test func judgesTheFile() throws {
    let path = try sandbox.write(Array("secret".utf8), as: "passphrase", mode: 0o400)
    _ = try PassphraseSource.file(path).read()
    for mode: UInt32 in [0o644, 0o640, 0o700, 0o200] {
      try sandbox.mode(mode, of: path)
      // Without root's rights, a file that its owner may not read does not even open.
      expect(geteuid() != 0 && mode == 0o200 ? "file.permission" : "custody.file-mode", .file(path))
    }
    try sandbox.mode(0o600, of: path)
    try sandbox.link(path, at: "\(sandbox.path)/link")
    expect("custody.file-symlink", .file("\(sandbox.path)/link"))
    expect("custody.file-kind", .file(sandbox.path))
    expect("file.missing", .file("\(sandbox.path)/nothing"))
  }

  @Test func refusesOtherDescriptors() {
    for number: Int32 in [-1, 1, 2] { expect("passphrase.descriptor", .descriptor(number)) }
    expect("file.descriptor", .descriptor(1_000_000))
  }

  /// The folder is handed over, because changing the environment of a running process is not safe.
  @Test func readsSystemdCredentials() throws {
    let path = try sandbox.write(Array("secret\n".utf8), as: "release", mode: 0o440)
    func read(_ name: String, in folder: String?) throws -> String {
      Sample.text(try PassphraseSource.read(credential: name, in: folder))
    }
    func expect(_ code: String, _ name: String, in folder: String?) {
      let error = #expect(throws: Problem.self) { try read(name, in: folder) }
      #expect(error?.code == code)
    }
    #expect(try read("release", in: sandbox.path) == "secret")
    expect("passphrase.credential", "release", in: nil)
    expect("passphrase.credential", "release", in: "relative")
    expect("file.missing", "other", in: sandbox.path)
    for name in ["../release", "", ".hidden", "a/b"] { expect("passphrase.credential", name, in: sandbox.path) }
    for mode: UInt32 in [0o444, 0o460, 0o602] {
      try sandbox.mode(mode, of: path)
      expect("passphrase.credential-mode", "release", in: sandbox.path)
    }
    try sandbox.link(path, at: "\(sandbox.path)/link")
    expect("custody.file-symlink", "link", in: sandbox.path)
  }
}
