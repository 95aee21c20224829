import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Gates

@Suite struct SBOMGateTests {
  private func judge(
    _ change: (inout Sample) throws -> Void = { _ in }, facts: JSON = Sample.binaries
  ) throws -> [String] {
    var sample = try Sample()
    try change(&sample)
    return faults(try definition("sbom").judge(facts, by: sample.evidence))
  }

  private func judge(components: [JSON], edges: JSON = []) throws -> [String] {
    try judge({ $0.documents["sbom.cdx.json"] = Sample.sbom(components, edges: edges).canonical })
  }

  @Test func passesWhenAllIsRight() throws { #expect(try judge() == []) }

  @Test func findsAChangedBinary() throws {
    let changed: JSON = ["sample": 1, "binaries": [["name": "tool", "sha256": .string(Digest(of: [7]).hex)]]]
    #expect(try judge(facts: changed) == ["release.binaries"])
    #expect(try judge(facts: ["sample": 1, "binaries": []]) == ["release.binaries"])
    let renamed: JSON = ["sample": 1, "binaries": [["name": "tool2", "sha256": .string(Digest(of: toolBytes).hex)]]]
    #expect(try judge(facts: renamed) == ["release.binaries"])
    let swapped = [Subject(name: "tool", digests: [Digest(of: [7])])]
    #expect(try judge({ $0.subjects = swapped }) == ["release.binaries", "sbom.digest"])
    let more = [Subject(name: "tool", digests: [Digest(of: toolBytes)]), Subject(name: "x", digests: [Digest(of: [])])]
    #expect(try judge({ $0.subjects = more }) == ["release.binaries", "release.subjects", "sbom.binary"])
    #expect(try judge({ $0.policy = $0.policy.with("subjects", value: ["tool", "y"]) }) == ["release.subjects"])
  }

  @Test func judgesTheDocument() throws {
    let good = Sample.components
    #expect(try judge(components: good) == [])
    #expect(try judge(components: Array(good[1...])) == ["sbom.binary"])
    #expect(try judge(components: [good[0]]) == ["sbom.too-few"])
    let changed = Sample.component("tool", type: "application", name: "tool", purl: nil, [7])
    #expect(try judge(components: [changed, good[1]]) == ["sbom.digest"])
    #expect(try judge(components: good, edges: [["ref": "tool", "dependsOn": ["gone"]]]) == ["sbom.dangling-ref"])
    #expect(try judge(components: good, edges: [["ref": "gone", "dependsOn": []]]) == ["sbom.dangling-ref"])
    let twice = Sample.component("tool2", type: "file", name: "tool", purl: nil, toolBytes)
    #expect(try judge(components: good + [twice]) == ["sbom.binary"])
    #expect(try judge(components: good + [good[1]]) == ["sbom.duplicate-ref"])
    let bare: JSON = ["type": "library", "name": "x", "bom-ref": "x"]
    #expect(try judge(components: good + [bare]) == ["sbom.missing-hash"])
  }

  @Test func aMissingDocumentIsNotRun() throws {
    #expect(try judge({ $0.documents["sbom.cdx.json"] = nil }) == ["evidence.missing"])
    #expect(try judge({ $0.documents["sbom.cdx.json"] = [] }).count == 1)
    let sample = try Sample()
    #expect(try definition("sbom").judge(["sample": 1], by: sample.evidence).outcome == .failed)
  }
}

@Suite struct ProvenanceGateTests {
  private func judge(
    _ predicate: JSON = Sample.provenance, by signer: UInt8 = 1, type: String = PredicateType.provenance,
    change: (inout Sample) throws -> Void = { _ in }
  ) throws -> [String] {
    var sample = try Sample()
    sample.documents["provenance.json"] = try sample.statement(predicate, type: type, by: signer)
    try change(&sample)
    return faults(try definition("provenance").judge(Sample.binaries, by: sample.evidence))
  }

  private static func provenance(_ path: [String], _ value: JSON?) -> JSON {
    func set(_ json: JSON, _ path: ArraySlice<String>) -> JSON {
      guard let key = path.first else { return value ?? .null }
      return json.with(key, value: path.count == 1 ? value : set(member(json, key) ?? .null, path.dropFirst()))
    }
    return set(Sample.provenance, path[...])
  }

  private static func dependencies(_ list: [JSON]) -> JSON {
    provenance(["buildDefinition", "resolvedDependencies"], .array(list))
  }

  private static let source: JSON = [
    "name": "source", "uri": "git+https://h/o/n@main", "digest": ["gitCommit": .string(GatesTests.commit)],
  ]
  private static func lib(_ uri: String) -> JSON {
    ["name": "lib", "uri": .string(uri), "digest": ["sha256": .string(Digest(of: [2]).hex)]]
  }
  private static let right = lib("pkg:swift/h/o/lib@2.0.1")
  private static let d = "buildDefinition"

  static let rows: [(name: String, predicate: JSON, codes: [String])] = [
    ("right", Sample.provenance, []),
    ("wrong builder", provenance(["runDetails", "builder", "id"], "urn:b2"), ["provenance.builder"]),
    ("no builder", provenance(["runDetails", "builder", "id"], nil), ["json.missing-field"]),
    ("wrong build type", provenance([d, "buildType"], "urn:T"), ["provenance.build-type"]),
    ("unknown parameter", provenance([d, "externalParameters", "extra"], 1), ["provenance.unknown-parameter"]),
    (
      "unknown parameter of the source", provenance([d, "externalParameters", "source", "path"], "x"),
      ["provenance.unknown-parameter"]
    ),
    ("no command", provenance([d, "externalParameters", "command"], []), ["provenance.command"]),
    ("command left out", provenance([d, "externalParameters", "command"], nil), ["provenance.command"]),
    (
      "other source", provenance([d, "externalParameters", "source", "uri"], "git+https://h/o/m"),
      ["provenance.source", "provenance.commit"]
    ),
    (
      "source left out", provenance([d, "externalParameters", "source"], nil),
      ["provenance.source", "provenance.commit"]
    ),
    ("dirty tree", provenance([d, "internalParameters", "sourceTree", "clean"], false), ["provenance.dirty"]),
    ("clean not stated", provenance([d, "internalParameters"], nil), ["provenance.dirty"]),
    ("clean as text", provenance([d, "internalParameters", "sourceTree", "clean"], "true"), ["json.kind"]),
    ("unknown internal parameter", provenance([d, "internalParameters", "x"], 1), []),
    (
      "other commit",
      dependencies([source.with("digest", "gitCommit", value: .string(String(repeating: "d", count: 40))), right]),
      ["provenance.commit"]
    ),
    ("no source", dependencies([right]), ["provenance.commit"]),
    ("two sources", dependencies([source, source, right]), ["provenance.commit"]),
    // The released commit, but as that of a package.
    (
      "the commit of another dependency",
      dependencies([
        source.with("digest", "gitCommit", value: .string(String(repeating: "d", count: 40))),
        right.with("digest", "gitCommit", value: .string(GatesTests.commit)),
      ]), ["provenance.commit"]
    ),
    (
      "the commit in another repository",
      dependencies([source.with("uri", value: "git+https://evil/o/n@main"), right]), ["provenance.commit"]
    ),
    (
      "a repository with the same beginning",
      dependencies([source.with("uri", value: "git+https://h/o/n2@main"), right]), ["provenance.commit"]
    ),
    ("source without a branch", dependencies([source.with("uri", value: "git+https://h/o/n"), right]), []),
    ("missing dependency", dependencies([source]), ["provenance.dependencies"]),
    ("another version", dependencies([source, lib("pkg:swift/h/o/lib@2.0.2")]), ["provenance.dependencies"]),
    // 2.0.1 is contained in both texts, but is neither.
    (
      "a version that begins alike", dependencies([source, lib("pkg:swift/h/o/lib@2.0.10")]),
      ["provenance.dependencies"]
    ),
    (
      "a package that ends alike", dependencies([source, lib("x:pkg:swift/h/o/lib@2.0.1")]), ["provenance.dependencies"]
    ),
    (
      "no dependencies", provenance([d, "resolvedDependencies"], nil), ["provenance.commit", "provenance.dependencies"]
    ),
  ]

  @Test(arguments: rows) func judges(_ row: (name: String, predicate: JSON, codes: [String])) throws {
    #expect(try judge(row.predicate) == row.codes, "\(row.name)")
  }

  @Test func onlyTheBuildersWordCounts() throws {
    #expect(try judge(by: 2) == ["signature.role", "signature.threshold"])
    #expect(try judge(by: 9) == ["signature.unknown", "signature.threshold"])
    let unsigned = #"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}"#
    #expect(try judge(change: { $0.documents["provenance.json"] = Array(unsigned.utf8) }) == ["dsse.no-signature"])
    #expect(try judge(change: { $0.documents["provenance.json"] = nil }) == ["evidence.missing"])
    #expect(try judge(change: { $0.trust = nil }) == ["evidence.no-trust"])
    let plain = try JSON(parsing: Envelope(parsing: try Sample().documents["provenance.json"] ?? []).payload)
    #expect(try judge(change: { $0.documents["provenance.json"] = plain.canonical }) == ["json.missing-field"])
  }

  @Test func anotherTypeIsNoProvenance() throws {
    #expect(try judge(type: "https://slsa.dev/provenance/v1 ").isEmpty == false)
    #expect(try judge(type: "https://slsa.dev/provenance/v0.2").isEmpty == false)
    let envelope = Envelope(
      payloadType: "application/json",
      payload: Statement(
        subjects: try Sample().subjects, predicateType: PredicateType.provenance, predicate: Sample.provenance
      ).json.canonical,
      signedBy: [try key(1)])
    #expect(try judge(change: { $0.documents["provenance.json"] = envelope.encoded }) == ["dsse.payload-type"])
  }

  @Test func speaksOfTheReleasedBinaries() throws {
    func about(_ subjects: [Subject]) throws -> [String] {
      try judge(change: { sample in
        let statement = Statement(
          subjects: subjects, predicateType: PredicateType.provenance, predicate: Sample.provenance)
        sample.documents["provenance.json"] = statement.signed(by: [try key(1)]).encoded
      })
    }
    let digests = [Digest(of: toolBytes)]
    #expect(try about([Subject(name: "tool", digests: digests)]) == [])
    #expect(try about([Subject(name: "tool", digests: [Digest(of: [7])])]) == ["provenance.subject"])
    #expect(try about([Subject(name: "other", digests: digests)]) == ["provenance.subject"])
    #expect(try about([Subject(name: "tool", digests: digests + [Digest(of: [7], .sha512)])]) == ["provenance.subject"])
  }
}

@Suite struct BuildGateTests {
  private func judge(
    argv: [[String]] = [["swift", "build"]], exitCode: Int64 = 0, signer: UInt8 = 1, seen: String? = nil,
    commit: String = GatesTests.commit, subjects: [Subject]? = nil, change: (inout Sample) throws -> Void = { _ in }
  ) throws -> [String] {
    var sample = try Sample()
    let record = sample.record(
      .null, name: "build", commit: commit, commands: argv.map { command($0, exitCode: exitCode) })
    let statement = Statement(
      subjects: subjects ?? sample.subjects, predicateType: PredicateType.record, predicate: record.json)
    let bytes = statement.signed(by: [try key(signer)]).encoded
    sample.documents["records/build.json"] = bytes
    try change(&sample)
    let facts: JSON = ["sample": 1, "record": .string(seen ?? "\(Digest(of: bytes))")]
    return faults(try definition("build").judge(facts, by: sample.evidence))
  }

  @Test func judgesTheRecordedBuild() throws {
    #expect(try judge() == [])
    #expect(try judge(exitCode: 1) == ["build.exit"])
    #expect(try judge(argv: [["swift", "build", "-c", "debug"]]) == ["build.command"])
    #expect(try judge(argv: [["swift build"]]) == ["build.command"])
    #expect(try judge(argv: []) == ["build.command"])
    #expect(try judge(argv: [["swift", "build"], ["swift", "build"]]) == ["build.command"])
    #expect(try judge(signer: 2) == ["signature.role", "signature.threshold"])
    #expect(try judge(seen: "sha256:00") == ["build.document"])
    #expect(try judge(commit: "d") == ["record.commit"])
    #expect(try judge(subjects: [Subject(name: "tool", digests: [Digest(of: [7])])]) == ["record.subjects"])
    #expect(try judge(change: { $0.documents["records/build.json"] = nil }) == ["evidence.missing"])
    #expect(try judge(change: { $0.documents["provenance.json"] = nil }) == ["evidence.missing"])
  }
}

@Suite struct DependenciesGateTests {
  private func judge(
    components: [JSON] = Sample.components, licence: String = "MIT", purl: String = "pkg:swift/h/o/lib@2.0.1",
    change: (inout Sample) throws -> Void = { _ in }
  ) throws -> [String] {
    var sample = try Sample()
    sample.documents["sbom.cdx.json"] = Sample.sbom(components, edges: []).canonical
    try change(&sample)
    let facts: JSON = ["sample": 3, "licences": [["purl": .string(purl), "licence": .string(licence)]]]
    return faults(try definition("dependencies").judge(facts, by: sample.evidence))
  }

  private static func extra(_ purl: String?, type: String = "library", name: String = "x") -> [JSON] {
    Sample.components + [Sample.component("x", type: type, name: name, purl: purl, [5])]
  }

  @Test func passesWhenAllIsListed() throws { #expect(try judge() == []) }

  @Test func findsWhatIsNotListed() throws {
    let rows: [(components: [JSON], codes: [String])] = [
      (DependenciesGateTests.extra("pkg:swift/h/o/other@1.0"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra("pkg:swift/h/o/lib2@1.0"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra("pkg:swift/h/o@1.0"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra("pkg:deb/debian/libc6-dev@2.36"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra("pkg:deb/debian/libc6@2.99?arch=arm64"), []),
      // What merely begins like our own binaries, or has no package URL at all, is in no list.
      (DependenciesGateTests.extra("pkg:generic/rustynet-evil@1"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra("pkg:generic/rustynetlib@1"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra("pkg:generic/tool@1"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra("pkg:generic/tool2@1", type: "application"), ["dependencies.unlisted"]),
      (DependenciesGateTests.extra(nil), ["dependencies.no-purl"]),
      (DependenciesGateTests.extra("", name: "y"), ["dependencies.unlisted"]),
      ([Sample.components[0]], ["dependencies.none"]),
      ([], ["dependencies.none"]),
    ]
    for row in rows { #expect(try judge(components: row.components) == row.codes) }
    #expect(try judge(change: { $0.policy = $0.policy.with("dependencies", value: []) }).count == 2)
  }

  @Test func comparesTheLicence() throws {
    #expect(try judge(licence: "GPL-3.0-only") == ["dependencies.licence"])
    #expect(try judge(licence: "unknown") == ["dependencies.licence"])
    #expect(try judge(licence: "MIT ") == ["dependencies.licence"])
    #expect(try judge(purl: "pkg:swift/h/o/lib@2.0.2") == ["dependencies.licence"])
  }

  static let texts: [(text: String, licence: String)] = [
    ("Apache License\n   Version 2.0, January 2004", "Apache-2.0"),
    (
      "Apache License Version 2.0 ... Runtime Library Exception to the Apache 2.0 License",
      "Apache-2.0 WITH Swift-exception"
    ),
    (
      "Permission is hereby granted, free of charge, ... The above copyright notice and this permission notice shall",
      "MIT"
    ),
    ("GNU GENERAL PUBLIC LICENSE", "unknown"), ("", "unknown"), ("All rights reserved", "unknown"),
  ]

  @Test(arguments: texts) func recognisesLicences(_ row: (text: String, licence: String)) {
    #expect(LicenceText.identify(row.text) == row.licence)
  }

  @Test func anExceptionCoversOnlyWhenItIsSignedByTwo() throws {
    let list = exceptions([("pkg:swift/h/o/other", 1, 10)])
    func judge(_ list: JSON, _ signers: [UInt8]?) throws -> [String] {
      try self.judge(
        components: DependenciesGateTests.extra("pkg:swift/h/o/other@1.0"),
        change: { sample in
          sample.documents["dependency-exceptions.json"] =
            try signers.map {
              Envelope(
                payloadType: DependencyExceptions.payloadType, payload: list.canonical,
                signedBy: try $0.map { try key($0) }
              )
              .encoded
            } ?? list.canonical
        })
    }
    #expect(try judge(list, [2, 3]) == [])
    #expect(try judge(list, [3, 2]) == [])
    #expect(try judge(list, nil) == ["dependencies.unlisted"])
    #expect(try judge(list, [4]) == ["dependencies.unlisted"])
    #expect(try judge(list, [2]) == ["dependencies.unlisted"])
    #expect(try judge(exceptions([("pkg:swift/h/o/other", 1, 100)]), [2, 3]) == ["dependencies.unlisted"])
    #expect(try judge(exceptions([("pkg:swift/h/o/other", 20, -1)]), [2, 3]) == ["dependencies.unlisted"])
    #expect(try judge(exceptions([("pkg:swift/h/o/lib", 1, 10)]), [2, 3]) == ["dependencies.unlisted"])
  }
}

@Suite struct ExceptionsGateTests {
  private func judge(
    _ list: JSON, signers: [UInt8]? = nil, type: String = DependencyExceptions.payloadType,
    change: (inout Sample) throws -> Void = { _ in }
  ) throws -> [String] {
    var sample = try Sample()
    let bytes =
      try signers.map {
        Envelope(payloadType: type, payload: list.canonical, signedBy: try $0.map { try key($0) }).encoded
      } ?? list.canonical
    sample.documents["dependency-exceptions.json"] = bytes
    try change(&sample)
    let facts: JSON = ["sample": 1, "document": .string("\(Digest(of: bytes))")]
    return faults(try definition("exceptions").judge(facts, by: sample.evidence))
  }

  @Test func anEmptyListPassesOnlyWithDependencies() throws {
    #expect(try judge(exceptions([])) == [])
    let none = { (sample: inout Sample) in sample.documents["sbom.cdx.json"] = Sample.sbom([], edges: []).canonical }
    #expect(try judge(exceptions([]), change: none) == ["exceptions.no-dependency"])
    #expect(try judge(exceptions([]), change: { $0.documents["sbom.cdx.json"] = nil }) == ["evidence.missing"])
    #expect(
      try judge(exceptions([]), change: { $0.documents["dependency-exceptions.json"] = nil }) == ["evidence.missing"])
  }

  @Test func theListIsTheOneThatWasSeen() throws {
    let other = exceptions([]).pretty
    #expect(
      try judge(exceptions([]), change: { $0.documents["dependency-exceptions.json"] = Array(other.utf8) })
        == ["exceptions.document"])
  }

  /// Keys: 2 security, 3 engineering, 4 both, 1 the builder, 9 a stranger.
  static let signers: [(signers: [UInt8]?, passes: Bool)] = [
    (nil, false), ([2], false), ([3], false), ([4], false), ([1], false), ([9], false), ([2, 3], true), ([3, 2], true),
    ([2, 4], true), ([4, 3], true), ([1, 2], false), ([2, 9], false), ([2, 3, 9], true), ([1, 4], false),
    ([4, 9], false),
  ]

  @Test(arguments: signers) func twoMustSign(_ row: (signers: [UInt8]?, passes: Bool)) throws {
    let list = exceptions([("pkg:swift/h/o/lib", 1, 10)])
    let codes = try judge(list, signers: row.signers)
    #expect(codes.isEmpty == row.passes, "\(codes)")
    if row.signers == [4] { #expect(codes == ["exceptions.one-signer"]) }
    if row.signers == nil { #expect(codes == ["exceptions.unsigned"]) }
    #expect(try judge(list, signers: row.signers, change: { $0.trust = nil }) == ["exceptions.unsigned"])
  }

  static let rows: [(rows: [(package: String, age: Int64, left: Int64)], codes: [String])] = [
    ([("pkg:swift/h/o/lib", 0, 90)], []), ([("pkg:swift/h/o/lib", 0, 91)], ["exceptions.too-long"]),
    ([("pkg:swift/h/o/lib", 45, 45)], []), ([("pkg:swift/h/o/lib", 46, 45)], ["exceptions.too-long"]),
    ([("pkg:swift/h/o/lib", 90, 0)], []), ([("pkg:swift/h/o/lib", 90, -1)], ["exceptions.expired"]),
    ([("pkg:swift/h/o/lib", -1, 9)], ["exceptions.expired"]),
    ([("pkg:swift/h/o/lib@2.0.1", 1, 9)], ["exceptions.unused"]),
    ([("pkg:swift/h/o/li", 1, 9)], ["exceptions.unused"]), ([("pkg:swift/h/o/gone", 1, 9)], ["exceptions.unused"]),
    ([("pkg:swift/h/o/lib", 1, 9), ("pkg:deb/debian/libc6", 1, 9)], []),
    ([("pkg:swift/h/o/lib", 1, 9), ("pkg:swift/h/o/lib", 1, 8)], ["exceptions.duplicate"]),
    ([("pkg:swift/h/o/lib", 1, 9), ("pkg:deb/debian/libc6", 1, 99)], ["exceptions.too-long"]),
  ]

  @Test(arguments: rows) func judgesEach(
    _ row: (rows: [(package: String, age: Int64, left: Int64)], codes: [String])
  ) throws {
    #expect(try judge(exceptions(row.rows), signers: [2, 3]) == row.codes)
  }

  @Test func itsFormatIsClosed() throws {
    let list = exceptions([("pkg:swift/h/o/lib", 1, 10)])
    #expect(try judge(list, signers: [2, 3]) == [])
    #expect(try judge(list, signers: [2, 3], type: Envelope.statementType) == ["exceptions.payload-type"])
    #expect(try judge(list.with("type", value: "x"), signers: [2, 3]) == ["exceptions.type"])
    #expect(try judge(list.with("x", value: 1), signers: [2, 3]) == ["json.unknown-field"])
    #expect(try judge(exceptions([]).with("x", value: 1)) == ["json.unknown-field"])
    #expect(
      try judge(
        list, signers: [2, 3], change: { $0.policy = $0.policy.with("limits", "exceptions.maximum-days", value: nil) })
        == ["policy.no-limit"])
  }
}
