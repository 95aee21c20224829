import Cryptography
import Diagnostics
import Inventory
import LinuxKit
import StrictJSON
import Testing
import Wire

@testable import SBOM

private func file(_ name: String, _ path: String) -> FileFacts {
  let bytes = Array(path.utf8)
  return FileFacts(
    name: name, path: path, size: bytes.count, sha256: Digest(of: bytes), sha512: Digest(of: bytes, .sha512))
}

private func package(
  _ name: String, version: String?, _ dependencies: [String] = [], _ revision: SourceRevision = .unverifiedMirror
) -> SwiftPackageSource {
  SwiftPackageSource(
    package: SwiftDependency(
      identity: name, name: name, address: "https://github.com/owner/\(name).git", version: version, path: "/c/\(name)",
      dependencies: dependencies),
    tree: Digest(of: Array(name.utf8)), revision: revision)
}

private let libc = "/usr/lib/libc.so.6"

func sampleFacts() throws -> SBOMFacts {
  let commit = String(repeating: "a", count: 40)
  return SBOMFacts(
    root: .init(name: "root", version: "1.2.3", tree: Digest(of: [1])), time: try Timestamp("2026-11-22T16:05:00Z"),
    toolVersion: "0.1.0", creator: "security@example.invalid",
    system: OSRelease(id: "debian", version: "12", name: "Debian 12"), swiftVersion: "6.3.1",
    toolchainFolder: "/opt/swift/usr", direct: ["b"],
    packages: [package("b", version: "2.0.0", ["c"], .verified(commit: commit)), package("c", version: nil)],
    binaries: [
      .init(
        file: file("tool", "/b/tool"), isELF: true, packages: ["b"], isComplete: true,
        needed: [libc, "/opt/swift/usr/lib/libswiftCore.so"], hasStaticRuntime: false),
      .init(
        file: file("script", "/b/script"), isELF: false, packages: nil, isComplete: false, needed: [],
        hasStaticRuntime: false),
    ],
    libraries: [
      .init(
        soname: "libc.so.6", file: file("libc.so.6", libc),
        package: DebianPackage(
          name: "libc6", version: "2.36", architecture: "amd64", source: "glibc", sourceVersion: "2.36"), needed: []),
      .init(
        soname: "libswiftCore.so", file: file("libswiftCore.so", "/opt/swift/usr/lib/libswiftCore.so"), package: nil,
        needed: [libc, "/local/libx.so"]),
      .init(soname: "libx.so", file: file("libx.so", "/local/libx.so"), package: nil, needed: []),
    ])
}

private func codes(_ change: (inout String) -> Void) throws -> [String] {
  var text = SBOMWriter.document(try sampleFacts()).canonicalText
  change(&text)
  return try SBOMDocument(parsing: Array(text.utf8)).validate().map(\.code)
}

@Suite struct WriterTests {
  @Test func sameFactsSameBytes() throws {
    let bytes = try SBOMWriter.bytes(try sampleFacts())
    #expect(try SBOMWriter.bytes(try sampleFacts()) == bytes)
    #expect(bytes.last == 0x0a)
    #expect(try JSON(parsing: bytes).canonical + [0x0a] == bytes)
    var other = try sampleFacts()
    other.packages.reverse()
    other.libraries.reverse()
    other.binaries.reverse()
    #expect(try SBOMWriter.bytes(other) == bytes)
  }

  @Test func serialNumberFollowsTheContent() throws {
    let first = try SBOMDocument(parsing: try SBOMWriter.bytes(try sampleFacts())).serialNumber
    var facts = try sampleFacts()
    facts.root.version = "1.2.4"
    let second = try SBOMDocument(parsing: try SBOMWriter.bytes(facts)).serialNumber
    #expect(first?.hasPrefix("urn:uuid:") == true && first != second)
  }

  @Test func readsBackWhatItWrote() throws {
    let document = try SBOMDocument(parsing: try SBOMWriter.bytes(try sampleFacts()))
    #expect(document.specification == "1.6")
    #expect(document.time == "2026-11-22T16:05:00Z")
    #expect(document.root?.name == "root")
    #expect(document.components.count == 7)
    #expect(try document.sha256(ofBinary: "tool") == file("tool", "/b/tool").sha256.hex)
    #expect(try document.binary(named: "tool").hashes["SHA-512"]?.utf8.count == 128)
    #expect(
      document.swiftPackages.map(\.purl) == [
        "pkg:swift/github.com/owner/b@2.0.0", "pkg:swift/github.com/owner/c",
      ])
    #expect(throws: Problem.self) { try document.binary(named: "other") }
    let parts = Dictionary(document.components.map { ($0.name, $0) }) { first, _ in first }
    #expect(parts["b"]?.property("rustynet:vcs-revision") == String(repeating: "a", count: 40))
    #expect(parts["c"]?.property("rustynet:vcs-revision") == "unverified-mirror")
    #expect(parts["c"]?.property("rustynet:version") == "unspecified")
    #expect(parts["libc.so.6"]?.purl == "pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12")
    #expect(parts["libswiftCore.so"]?.version == "6.3.1")
    #expect(parts["libx.so"]?.property("rustynet:origin") == "no-package")
    let edges = Dictionary(document.edges.map { ($0.from, $0.to) }) { first, _ in first }
    #expect(edges["package:root"] == ["binary:script", "binary:tool", "swift-package:b"])
    #expect(edges["swift-package:b"] == ["swift-package:c"])
    #expect(document.compositions.map(\.aggregate) == ["complete", "incomplete", "unknown"])
    #expect(document.compositions[1].dependencies == ["binary:script"])
  }

  @Test func saysThatAStaticRuntimeIsNotTakenApart() throws {
    var facts = try sampleFacts()
    facts.binaries[0].hasStaticRuntime = true
    facts.staticRuntime = Digest(of: [2])
    let document = try SBOMDocument(parsing: try SBOMWriter.bytes(facts))
    #expect(document.compositions[1].dependencies == ["binary:script", "binary:tool"])
    #expect(document.components.contains { $0.name == "swift-runtime" && $0.version == "6.3.1" })
  }

  @Test func writesNothingThatDangles() throws {
    var facts = try sampleFacts()
    facts.libraries.removeLast()
    let dangling = #expect(throws: Problem.self) { try SBOMWriter.bytes(facts) }
    #expect(dangling?.code == "sbom.dangling-ref")
    facts = try sampleFacts()
    facts.binaries.append(facts.binaries[0])
    let twice = #expect(throws: Problem.self) { try SBOMWriter.bytes(facts) }
    #expect(twice?.code == "sbom.duplicate-ref")
  }
}

@Suite struct ValidationTests {
  @Test func acceptsTheUnchangedDocument() throws { #expect(try codes { _ in } == []) }

  static let changes: [(old: String, new: String, code: String)] = [
    (#""bom-ref":"swift-package:c""#, #""bom-ref":"swift-package:b""#, "sbom.duplicate-ref"),
    (#""dependsOn":["swift-package:c"]"#, #""dependsOn":["swift-package:d"]"#, "sbom.dangling-ref"),
    (#""ref":"swift-package:b"}"#, #""ref":"nowhere"}"#, "sbom.dangling-ref"),
    (#""dependencies":["binary:script"]"#, #""dependencies":["binary:gone"]"#, "sbom.dangling-ref"),
    (#""ref":"swift-package:c"}"#, #""ref":"swift-package:b"}"#, "sbom.duplicate-edges"),
    (#""alg":"SHA-256""#, #""alg":"SHA-1""#, "sbom.missing-hash"),
  ]

  @Test(arguments: changes) func findsInconsistencies(change: (old: String, new: String, code: String)) throws {
    let found = try codes { text in
      #expect(text.contains(change.old))
      text = text.replacing(change.old, with: change.new)
    }
    #expect(found.contains(change.code))
  }

  static let malformed: [(text: String, code: String)] = [
    (#"{"bomFormat":"SPDX","specVersion":"1.6"}"#, "sbom.format"),
    (#"{"bomFormat":"CycloneDX","specVersion":"9.9"}"#, "sbom.version"),
    (#"{"bomFormat":"CycloneDX"}"#, "json.missing-field"),
    (#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}"#, "json.kind"),
    (#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"file"}]}"#, "json.missing-field"),
    (
      #"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"file","name":"a","hashes":[{"alg":"SHA-256","content":"00"}]}]}"#,
      "sbom.hash"
    ),
  ]

  @Test(arguments: malformed) func refusesMalformedDocuments(vector: (text: String, code: String)) {
    let error = #expect(throws: Problem.self) { try SBOMDocument(parsing: Array(vector.text.utf8)) }
    #expect(error?.code == vector.code)
  }

  @Test func readsInnerComponentsAndServices() throws {
    let text = """
      {"bomFormat":"CycloneDX","specVersion":"1.5","services":[{"bom-ref":"s","name":"s"}],
       "components":[{"type":"library","name":"a","bom-ref":"a","components":[
         {"type":"file","name":"i","bom-ref":"i","licenses":[{"license":{"id":"MIT"}},{"expression":"A OR B"}]}]}],
       "dependencies":[{"ref":"a","dependsOn":["i","s","urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1"]}]}
      """
    let document = try SBOMDocument(parsing: Array(text.utf8))
    #expect(document.components.map(\.name) == ["i", "a"])
    #expect(document.components[0].licenses == ["MIT", "A OR B"])
    #expect(document.checkReferences().isEmpty)
  }
}

@Suite struct UUIDTests {
  /// RFC 9562 appendix A.4.
  @Test func versionFive() {
    let uuid = NameBasedUUID(of: Array("www.example.com".utf8), in: .domainNames)
    #expect("\(uuid)" == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
  }
}

@Suite struct CorpusTests {
  static let folder = "../shared/corpora/cyclonedx"
  static var isHere: Bool { FileSystem.status(folder)?.kind == .directory }

  /// The examples of the specification's own repository, 1.2 to 1.7. Those that are invalid by the schema may be read
  /// or refused, since the reader does not check what it does not use; it must only not fail in another way.
  @Test(.enabled(if: isHere, "not-run: the third-party corpora are not here"))
  func readsEveryValidDocument() throws {
    var read = 0
    for version in ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"] {
      let folder = "\(Self.folder)/\(version)"
      guard FileSystem.status(folder)?.kind == .directory else { continue }
      for name in try FileSystem.list(folder) where name.hasSuffix(".json") {
        let bytes = try FileSystem.read("\(folder)/\(name)", limit: 1 << 24)
        guard name.hasPrefix("valid-") else {
          _ = try? SBOMDocument(parsing: bytes).validate()
          continue
        }
        #expect(throws: Never.self, "\(version)/\(name)") { _ = try SBOMDocument(parsing: bytes).validate() }
        read += 1
      }
    }
    #expect(read > 30)
  }
}
