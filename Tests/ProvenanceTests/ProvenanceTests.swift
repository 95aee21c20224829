import Cryptography
import Diagnostics
import Inventory
import StrictJSON
import Testing
import Wire

@testable import Provenance

private func file(_ name: String) -> FileFacts {
  let bytes = Array(name.utf8)
  return FileFacts(
    name: name, path: "/b/\(name)", size: bytes.count, sha256: Digest(of: bytes), sha512: Digest(of: bytes, .sha512))
}

private func package(_ name: String, _ revision: SourceRevision) -> SwiftPackageSource {
  SwiftPackageSource(
    package: SwiftDependency(
      identity: name, name: name, address: "https://github.com/owner/\(name)", version: "1.0.0", path: "/c/\(name)",
      dependencies: []),
    tree: Digest(of: Array(name.utf8)), revision: revision)
}

private let commit = String(repeating: "b", count: 40)

private func facts() throws -> ProvenanceFacts {
  ProvenanceFacts(
    subjects: [file("z"), file("a")],
    source: .init(
      uri: "git+https://github.com/owner/name", reference: "refs/tags/v1", commit: commit, tree: Digest(of: [1]),
      isClean: true),
    command: ["swift", "build", "-c", "release", "a b"], configuration: "release",
    packages: [package("mirrored", .unverifiedMirror), package("known", .verified(commit: commit))],
    toolchain: SwiftToolchain(
      version: "6.3.1", description: "Swift version 6.3.1 (x)", target: "x86_64-unknown-linux-gnu", folder: "/s",
      frontend: file("swift-frontend")),
    debian: [
      DebianPackage(name: "libssl-dev", version: "3.0", architecture: "amd64", source: "openssl", sourceVersion: "3.0")
    ],
    machine: .init(
      kernel: "6.1", architecture: "x86_64", system: OSRelease(id: "debian", version: "12", name: "Debian 12")),
    run: .init(
      builder: "https://builder.example.invalid/v1", toolVersion: "0.1.0", invocation: "run-1",
      started: try Timestamp("2026-11-22T16:05:00Z"), finished: try Timestamp("2026-11-22T16:06:00Z")),
    byproducts: [file("log")])
}

@Suite struct ProvenanceWriterTests {
  @Test func readsBackWhatItWrote() throws {
    let bytes = try ProvenanceWriter.bytes(try facts())
    #expect(try ProvenanceWriter.bytes(try facts()) == bytes)
    #expect(try JSON(parsing: bytes).canonical + [0x0a] == bytes)
    let document = try ProvenanceDocument(parsing: bytes)
    #expect(document.subjects.map(\.name) == ["a", "z"])
    #expect(document.subjects[0].digest["sha256"] == file("a").sha256.hex)
    #expect(document.subjects[0].digest["sha512"] == file("a").sha512.hex)
    #expect(document.buildType == ProvenanceWriter.buildType)
    #expect(document.sourceAddress == "git+https://github.com/owner/name")
    #expect(document.sourceReference == "refs/tags/v1")
    #expect(document.command == ["swift", "build", "-c", "release", "a b"])
    #expect(document.configuration == "release")
    #expect(document.isSourceClean == true)
    #expect(document.sourceTree == Digest(of: [1]).hex)
    #expect(document.builder == "https://builder.example.invalid/v1")
    #expect(document.builderVersion == ["rustynet-assure": "0.1.0"])
    #expect(document.invocation == "run-1")
    #expect(document.finished?.description == "2026-11-22T16:06:00Z")
    #expect(document.byproducts.map(\.name) == ["log"])
    #expect(document.unknownExternalParameters.isEmpty)
    #expect(document.unknownFields.isEmpty)
    #expect(try document.dependency(named: "source").digest == ["gitCommit": commit])
  }

  @Test func namesACommitOnlyWhenItIsUpstreams() throws {
    let document = try ProvenanceDocument(parsing: try ProvenanceWriter.bytes(try facts()))
    #expect(try document.dependency(named: "mirrored").digest["gitCommit"] == nil)
    #expect(try document.dependency(named: "mirrored").digest["sha256"] != nil)
    #expect(try document.dependency(named: "known").digest["gitCommit"] == commit)
  }

  @Test func leavesOutWhatItWasNotTold() throws {
    var facts = try facts()
    facts.command = []
    facts.configuration = nil
    facts.source.reference = nil
    facts.byproducts = []
    facts.run = .init(builder: "urn:b", toolVersion: "1")
    let text = String(decoding: try ProvenanceWriter.bytes(facts), as: UTF8.self)
    for key in ["command", "configuration", "\"ref\"", "byproducts", "metadata", "null"] {
      #expect(!text.contains(key))
    }
  }

  @Test func refusesNoSubjectAndTwoOfOneName() throws {
    var facts = try facts()
    facts.subjects = []
    let none = #expect(throws: Problem.self) { try ProvenanceWriter.bytes(facts) }
    #expect(none?.code == "provenance.no-subject")
    facts.subjects = [file("a"), file("a")]
    let twice = #expect(throws: Problem.self) { try ProvenanceWriter.bytes(facts) }
    #expect(twice?.code == "provenance.subject-twice")
  }
}

@Suite struct ProvenanceReaderTests {
  private func changed(_ old: String, _ new: String) throws -> [UInt8] {
    let text = String(decoding: try ProvenanceWriter.bytes(try facts()), as: UTF8.self)
    #expect(text.contains(old))
    return Array(text.replacing(old, with: new).utf8)
  }

  @Test func namesUnknownParameters() throws {
    let document = try ProvenanceDocument(parsing: try changed(#""configuration":"#, #""extra":1,"configuration":"#))
    #expect(document.unknownExternalParameters == ["/predicate/buildDefinition/externalParameters/extra"])
    let inner = try ProvenanceDocument(parsing: try changed(#""ref":"refs/tags/v1""#, #""ref":"refs/tags/v1","x":1"#))
    #expect(inner.unknownExternalParameters == ["/predicate/buildDefinition/externalParameters/source/x"])
    let field = try ProvenanceDocument(parsing: try changed(#""builder":{"#, #""more":1,"builder":{"#))
    #expect(field.unknownFields == ["/predicate/runDetails/more"])
  }

  static let refused: [(old: String, new: String, code: String)] = [
    (#""https://in-toto.io/Statement/v1""#, #""https://in-toto.io/Statement/v2""#, "provenance.type"),
    (#""https://slsa.dev/provenance/v1""#, #""https://slsa.dev/provenance/v0.2""#, "provenance.type"),
    (#""builder":{"#, #""bilder":{"#, "json.missing-field"),
    (#""clean":true"#, #""clean":"true""#, "json.kind"),
    (#""externalParameters":"#, #""outerParameters":"#, "json.missing-field"),
    (#""sha256":""#, #""sha256":"0"#, "provenance.digest"),
    (#""digest":{"#, #""digest":{"x":1,"#, "json.kind"),
    (#""subject":[{"digest""#, #""subject":[{"nothing""#, "provenance.no-digest"),
  ]

  @Test(arguments: refused) func refuses(vector: (old: String, new: String, code: String)) throws {
    let bytes = try changed(vector.old, vector.new)
    let error = #expect(throws: Problem.self) { try ProvenanceDocument(parsing: bytes) }
    #expect(error?.code == vector.code)
  }
}
