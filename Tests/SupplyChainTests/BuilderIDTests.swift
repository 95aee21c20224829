import Testing

@testable import SupplyChain

@Suite struct BuilderIDTests {
  static let ids: [(text: String, name: String, version: String?, isRelease: Bool)] = [
    ("https://a.example/b", "https://a.example/b", nil, false),
    ("https://a.example/b@v0.3", "https://a.example/b", "v0.3", false),
    (
      "https://github.com/o/r/.github/workflows/w.yml@refs/tags/v2.1.0",
      "https://github.com/o/r/.github/workflows/w.yml", "refs/tags/v2.1.0", true
    ),
    ("x@refs/tags/v2.1", "x", "refs/tags/v2.1", false), ("x@refs/tags/v2", "x", "refs/tags/v2", false),
    ("x@refs/tags/v2.1.0-rc.1", "x", "refs/tags/v2.1.0-rc.1", false),
    ("x@refs/tags/v02.1.0", "x", "refs/tags/v02.1.0", false),
    ("x@refs/tags/v2.1.0+b", "x", "refs/tags/v2.1.0+b", false),
    ("x@refs/heads/v2.1.0", "x", "refs/heads/v2.1.0", false),
    ("x@refs/tags/@a/b@1.0.0", "x", "refs/tags/@a/b@1.0.0", false),
    ("x@refs/tags/v1.2.", "x", "refs/tags/v1.2.", false),
  ]

  @Test(arguments: ids) func readsIds(_ row: (text: String, name: String, version: String?, isRelease: Bool)) {
    let id = BuilderID(row.text)
    #expect(id.name == row.name)
    #expect(id.version == row.version)
    #expect(id.isRelease == row.isRelease)
    #expect(id.text == row.text)
  }

  static let pairs: [(found: String, expected: String, holds: Bool)] = [
    ("x@refs/tags/v2.1.0", "x", true), ("x@refs/tags/v2.1.0", "x@v2.1.0", true),
    ("x@refs/tags/v2.1.0", "x@refs/tags/v2.1.0", true), ("x@refs/tags/v2.1.0", "x@v2.1", false),
    ("x@refs/tags/v2.1.0", "x@v2.1.1", false), ("x@refs/tags/v2.1.0", "xy", false), ("x", "x@v1", false),
    ("x@v0.3", "x@v0.3", true), ("x@refs/heads/v1.0.0", "x@v1.0.0", false), ("X@v1", "x@v1", false),
  ]

  @Test(arguments: pairs) func compares(_ row: (found: String, expected: String, holds: Bool)) {
    #expect(BuilderID(row.found).satisfies(BuilderID(row.expected)) == row.holds)
  }

  static let sources: [(uri: String, repository: String, ref: String?, commit: String?)] = [
    ("git+https://github.com/o/r@refs/tags/v1", "git+https://github.com/o/r", "refs/tags/v1", nil),
    ("https://github.com/o/r.git", "git+https://github.com/o/r", nil, nil),
    ("github.com/o/r", "git+https://github.com/o/r", nil, nil),
    ("git+https://github.com/o/r@refs/tags/@s/n@1.0.0", "git+https://github.com/o/r", "refs/tags/@s/n@1.0.0", nil),
    ("git+ssh://git@host.example/o/r", "git+ssh://git@host.example/o/r", nil, nil),
    (
      "https://github.com/o/r@d37a7f740ee7404914456f24dcd90e865a0509e8", "git+https://github.com/o/r", nil,
      "d37a7f740ee7404914456f24dcd90e865a0509e8"
    ),
  ]

  @Test(arguments: sources) func readsSources(
    _ row: (uri: String, repository: String, ref: String?, commit: String?)
  ) {
    let source = SourceReference(uri: row.uri, commit: nil)
    #expect(source.repository == row.repository)
    #expect(source.ref == row.ref)
    #expect(source.commit == row.commit)
  }
}
