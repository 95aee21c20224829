import Attestation
import Diagnostics
import StrictJSON
import TestSupport
import Testing

@testable import InTotoLayout

@Suite struct StepTests {
  let chain: Chain
  init() throws { chain = try Chain() }

  private func judge(_ steps: [JSON], _ files: [LinkFolder.File]) throws -> LayoutJudge.Verdict {
    try chain.judge(
      layout(keys: [chain.ada, chain.bob, chain.eve], steps: steps), LinkFolder(files: files))
  }

  private func write() throws -> LinkFolder.File { file("write.x.link", try signed(chain.written, by: [chain.ada])) }

  private func pack(_ name: String, by signers: [Signer], _ content: JSON? = nil) throws -> LinkFolder.File {
    file("pack.\(name).link", try signed(content ?? chain.packed, by: signers))
  }

  @Test func refusesAMissingLink() throws {
    let verdict = try judge(chain.steps(), [try pack("b", by: [chain.bob])])
    #expect(verdict.failures == ["link.missing"])
    // The rules that need it are not judged, and blame nobody.
    #expect(verdict.notRun == ["rule.no-link"])
  }

  @Test func refusesTheWrongFunctionary() throws {
    let verdict = try judge(chain.steps(), [try write(), try pack("b", by: [chain.eve])])
    #expect(verdict.failures == ["layout.threshold", "link.signature"])
  }

  @Test func refusesAChangedLink() throws {
    var file = try pack("b", by: [chain.bob])
    let text = String(decoding: file.bytes, as: UTF8.self).replacing("foo.tar", with: "bar.tar")
    file = LinkFolder.File(name: file.name, bytes: Array(text.utf8))
    #expect(try judge(chain.steps(), [try write(), file]).failures == ["layout.threshold", "link.signature"])
  }

  @Test func refusesALinkOfAnotherStep() throws {
    let renamed = try pack("b", by: [chain.bob], link("other", products: [("foo.tar", "archive")]))
    #expect(try judge(chain.steps(), [try write(), renamed]).failures == ["layout.threshold", "link.name"])
  }

  @Test func ignoresWhatTheThresholdDoesNotNeed() throws {
    let files = [try write(), try pack("b", by: [chain.bob]), file("pack.junk.link", [0x7b])]
    let verdict = try judge(chain.steps(), files)
    #expect(verdict.checks.outcome == .passed)
    #expect(verdict.checks.contains { $0.message.hasPrefix("ignored") })
    #expect(try judge(chain.steps(), [try write(), file("pack.junk.link", [0x7b])]).failures.count == 2)
  }

  /// Name, hint and step are told apart even where a step's name is the beginning of another.
  @Test func readsFileNames() {
    let names = ["a.1.link", "a.b.2.link", "a.link", "a..link", "b.a.3.link", "a.4.link2"]
    let folder = LinkFolder(files: names.map { file($0, []) })
    #expect(folder.files(of: "a").map(\.name) == ["a.1.link"])
    #expect(folder.files(of: "a.b").map(\.name) == ["a.b.2.link"])
  }

  @Test func countsFunctionariesOnce() throws {
    let steps = chain.steps(threshold: 2, packers: [chain.bob, chain.eve])
    let first = try pack("1", by: [chain.bob])
    #expect(try judge(steps, [try write(), first, try pack("2", by: [chain.eve])]).checks.outcome == .passed)
    #expect(try judge(steps, [try write(), first]).failures == ["layout.threshold"])
    #expect(try judge(steps, [try write(), first, try pack("2", by: [chain.bob])]).failures == ["layout.threshold"])
    // One file is one piece of evidence, however many signed it; two files signed by both are two.
    let both = [chain.bob, chain.eve]
    #expect(try judge(steps, [try write(), try pack("1", by: both)]).failures == ["layout.threshold"])
    #expect(try judge(steps, [try write(), try pack("1", by: both), first]).checks.outcome == .passed)
  }

  /// One RSA key under two schemes was two functionaries, so that one of them reached a threshold of two.
  @Test func oneKeyUnderTwoSchemesIsOneFunctionary() throws {
    // Tests/Fixtures/foreign-signatures/rsa.pem
    let pem = """
      -----BEGIN PUBLIC KEY-----
      MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA+AICHFz402USPCRURosD
      yPR1kyaboyBoHPLwaC8xlKhuWfdmIZSiERTMolDUe7MCTCa7p6uLmWM/LbLl0FIi
      ObOW8fVrSBAuq1IBv7PqZJ/Q9PdDNH4C2Ha4oRjvBezzsSYU0kUCpwIcJpF7yFk1
      cx1OHClu+JlqDux7dwEDWY4mwqdPdWRhZPm8BNmaqixouPY9fGvuX4ynfAQpIE15
      yUL8AU7NS9ACISdrXEhKE9Au4sKEYGYsA+fJGoEgywsTjx196VFzFtISItkcmPok
      ghnftwAE/R+rWY+P+CeqZRwmwntSnyUGPnCWddpbDFsi3NntfwDwAuoJ03Su0lK0
      XwIDAQAB
      -----END PUBLIC KEY-----

      """
    let keys = try ["rsassa-pss-sha256", "rsa-pkcs1v15-sha256"].map { scheme in
      let object: JSON = [
        "keytype": "rsa", "scheme": .string(scheme), "keyval": ["public": .string(pem)],
      ]
      return try LayoutKey(parsing: object.canonical)
    }
    #expect(keys[0] != keys[1])
    #expect(StepJudge.distinct([[keys[0]], [keys[1]]]) == 1)
  }

  /// The count is the same in every order: a file that two signed makes room for one that one signed.
  @Test func matchesFilesAndSigners() throws {
    let (a, b, c) = (chain.ada.key, chain.bob.key, chain.eve.key)
    for signers in [[[a, b], [a]], [[a], [a, b]], [[b, a], [a], [a]], [[a, b], [b, a]]] {
      #expect(StepJudge.distinct(signers) == 2)
    }
    #expect(StepJudge.distinct([[a, b], [b, c], [c, a]]) == 3)
    #expect(StepJudge.distinct([[a], [a]]) == 1 && StepJudge.distinct([]) == 0)
  }

  @Test func refusesDisagreement() throws {
    let other = link("pack", materials: [("foo.py", "code")], products: [("foo.tar", "other")])
    let both = [try pack("1", by: [chain.bob]), try pack("2", by: [chain.eve], other)]
    for threshold in [1, 2] as [Int64] {
      let steps = chain.steps(threshold: threshold, packers: [chain.bob, chain.eve])
      #expect(try judge(steps, [try write()] + both).failures == ["link.disagreement"])
      #expect(try judge(steps, [try write()] + both.reversed()).failures == ["link.disagreement"])
    }
  }

  @Test func saysButDoesNotRefuseAnotherCommand() throws {
    let other = link("pack", materials: [("foo.py", "code")], products: [("foo.tar", "archive")], command: ["zip"])
    let verdict = try judge(chain.steps(), [try write(), try pack("b", by: [chain.bob], other)])
    #expect(verdict.checks.outcome == .passed)
    #expect(verdict.checks.contains { $0.found == #"["zip"]"# && $0.expected == #"["tar"]"# })
  }

  @Test func refusesWeakHashes() throws {
    var content = try JSONReader(chain.written).object()
    content["products"] = ["foo.py": ["md5": "d41d8cd98f00b204e9800998ecf8427e"]]
    let weak = file("write.x.link", try signed(.object(content), by: [chain.ada]))
    #expect(
      try judge(chain.steps(), [weak, try pack("b", by: [chain.bob])]).failures == ["layout.threshold", "link.digest"])
  }

  /// A key of GnuPG is no fault of a layout that does not need it; where it is needed the hint says so.
  @Test func toleratesKeysThatItCannotUse() throws {
    var content = try JSONReader(layout(keys: [chain.ada, chain.bob], steps: chain.steps())).object()
    var keys = try JSONReader(content["keys"] ?? .null).object()
    keys["gpg"] = ["type": "rsa", "method": "pgp+rsa-pkcsv1.5", "keyid": "gpg", "keyval": ["public": ["n": "00"]]]
    content["keys"] = .object(keys)
    let folder = LinkFolder(files: [try write(), try pack("b", by: [chain.bob])])
    #expect(try chain.judge(.object(content), folder).checks.outcome == .passed)
    content["steps"] = [
      [
        "_type": "step", "name": "write", "threshold": 1, "pubkeys": ["gpg"], "expected_materials": [],
        "expected_products": [], "expected_command": [],
      ]
    ]
    let verdict = try chain.judge(.object(content), folder)
    #expect(verdict.failures == ["layout.threshold", "link.signature"])
    #expect(verdict.checks.contains { $0.hint?.contains("GnuPG") ?? false })
  }

  // MARK: sublayouts

  /// Bob's own layout in the place of his link: eve packs, in two steps of her own.
  private func nested(expires: String = "2027-01-01T00:00:00Z") throws -> JSON {
    layout(
      keys: [chain.eve],
      steps: [
        step("fetch", by: [chain.eve], products: ["ALLOW *"]),
        step("tar", by: [chain.eve], materials: ["MATCH * WITH PRODUCTS FROM fetch", "DISALLOW *"]),
      ], expires: expires)
  }

  private func inner(_ archive: String = "archive", by signer: Signer) throws -> LinkFolder {
    LinkFolder(files: [
      file(
        "fetch.e.link",
        try signed(link("fetch", materials: [("foo.py", "code")], products: [("foo.py", "code")]), by: [signer])),
      file(
        "tar.e.link",
        try signed(link("tar", materials: [("foo.py", "code")], products: [("foo.tar", archive)]), by: [signer])),
    ])
  }

  private func judge(sublayout: JSON, by signer: Signer, _ inner: LinkFolder?) throws -> LayoutJudge.Verdict {
    var folder = LinkFolder(files: [try write(), try pack("sub", by: [signer], sublayout)])
    folder.folders["pack.sub"] = inner
    return try chain.judge(layout(keys: [chain.ada, chain.bob], steps: chain.steps()), folder)
  }

  @Test func followsSublayouts() throws {
    let inner = try inner(by: chain.eve)
    let verdict = try judge(sublayout: try nested(), by: chain.bob, inner)
    #expect(verdict.checks.outcome == .passed)
    #expect(verdict.products?.paths == [ExactText("foo.tar")])
    #expect(
      verdict.checks.contains { $0.id == "step.pack.sublayout.pack.sub.step.tar.materials.1" && $0.code == "passed" })
    #expect(
      try judge(sublayout: try nested(), by: chain.eve, inner).failures == ["layout.threshold", "link.signature"])
    #expect(
      try judge(sublayout: try nested(expires: "2026-01-01T00:00:00Z"), by: chain.bob, inner).failures
        == ["layout.expired"])
    #expect(try judge(sublayout: try nested(), by: chain.bob, nil).failures.contains("link.missing"))
    #expect(
      try judge(sublayout: try nested(), by: chain.bob, try self.inner(by: chain.bob)).failures.contains(
        "link.signature"))
  }

  /// A functionary who nests layouts without end is stopped.
  @Test func limitsTheDepth() throws {
    func nest(_ levels: Int) throws -> (JSON, LinkFolder) {
      let steps = [step("deep", by: [chain.bob])]
      let outer = layout(keys: [chain.bob], steps: steps)
      guard levels > 0 else {
        return (outer, LinkFolder(files: [file("deep.b.link", try signed(link("deep"), by: [chain.bob]))]))
      }
      let (content, folder) = try nest(levels - 1)
      let file = file("deep.b.link", try signed(content, by: [chain.bob]))
      return (outer, LinkFolder(files: [file], folders: ["deep.b": folder]))
    }
    let (fits, inside) = try nest(LinkFolder.depth - 1)
    #expect(try chain.judge(fits, inside).failures == [])
    let (deep, below) = try nest(LinkFolder.depth)
    #expect(try chain.judge(deep, below).failures.contains("layout.depth"))
  }
}
