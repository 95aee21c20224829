import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import SupplyChain

/// The provenance of slsa-verifier's test data, where it is here: what the predicates say, without their signatures.
@Suite struct SLSACorpusTests {
  static let corpora: String = {
    if let path = Host.environment("RUSTYNET_CORPORA") { return path }
    var folder = Path.folder(of: #filePath)
    while folder != "/", FileSystem.status("\(folder)/Package.swift") == nil { folder = Path.folder(of: folder) }
    return "\(folder)/../shared/corpora"
  }()
  static var path: String { "\(corpora)/slsa-provenance" }
  static let limits = JSON.Limits(size: 32 << 20, depth: 64)

  struct Case {
    let name: String
    let statement: Statement
    let builder: String
    let predicateType: String
    let identity: String?
    let issuer: String
    let digests: [Digest]
  }

  static func cases() throws -> [Case] {
    let expected = JSONReader(try JSON(parsing: try FileSystem.read("\(path)/expected.json", limit: 8 << 20)))
    return try expected.members().map { name, row in
      let file = JSONReader(
        try JSON(parsing: try FileSystem.read("\(path)/\(name)", limit: 32 << 20), limits: limits))
      let envelope = try Envelope(try file.optional("dsseEnvelope") ?? file)
      let digests = try row.member("subject").elements().first?.member("digest").members().map { key, value in
        try Digest("\(key):\(try value.text())")
      }
      return Case(
        name: name, statement: try Statement(parsing: envelope.payload), builder: try row.member("builder_id").text(),
        predicateType: try row.member("predicateType").text(), identity: try row.optional("identity")?.text(),
        issuer: try row.optional("issuer")?.text() ?? github, digests: digests ?? [])
    }
  }

  @Test(.enabled(if: FileSystem.status(path) != nil, "not-run: ../shared/corpora is not here"))
  func readsEveryPredicate() throws {
    let cases = try Self.cases()
    #expect(cases.count == 70)
    for one in cases {
      let provenance = try SLSAProvenance(one.statement)
      #expect(provenance.builder.text == one.builder, "\(one.name)")
      #expect(provenance.version.rawValue == one.predicateType, "\(one.name)")
      #expect(provenance.unknownParameters == [], "\(one.name)")
      #expect(provenance.source?.commit?.count == 40, "\(one.name)")
      #expect(provenance.source?.repository == provenance.trigger?.repository, "\(one.name)")
      #expect(provenance.source?.ref?.hasPrefix("refs/") == true, "\(one.name)")
      #expect(provenance.run?.contains("/actions/runs/") == true, "\(one.name)")
      #expect(provenance.event != nil, "\(one.name)")
    }
  }

  @Test(.enabled(if: FileSystem.status(path) != nil, "not-run: ../shared/corpora is not here"))
  func judgesEverySigner() throws {
    var judged = 0
    for one in try Self.cases() {
      guard let signer = one.identity else { continue }
      let source = try #require(try SLSAProvenance(one.statement).source)
      func judge(_ builder: String, _ signer: String, _ repository: String, _ digests: [Digest]) -> [String] {
        codes(
          ProvenanceExpectation(builder: builder, source: repository).judge(
            one.statement, signer: .certificate(SignerIdentity(name: signer, issuer: one.issuer)), artifact: digests))
      }
      let isWrongSigner = one.name.contains("wrong-signer")
      #expect(
        judge(one.builder, signer, source.repository, one.digests) == (isWrongSigner ? ["provenance.signer"] : []),
        "\(one.name)")
      #expect(judge(one.builder, one.builder, source.repository, one.digests) == [], "\(one.name)")
      #expect(
        judge(one.builder + "0", signer, source.repository, one.digests).contains("provenance.builder"), "\(one.name)")
      #expect(
        judge(one.builder, "https://github.com/x/y@refs/tags/v1.0.0", source.repository, one.digests)
          == ["provenance.signer"], "\(one.name)")
      #expect(
        judge(one.builder, signer, "github.com/x/y", one.digests).filter { $0 != "provenance.signer" }
          == ["provenance.source", "provenance.trigger"], "\(one.name)")
      #expect(
        judge(one.builder, signer, source.repository, [Digest(of: [1])]).contains("subject.digest"), "\(one.name)")
      judged += 1
    }
    #expect(judged == 68)
  }

  /// npm writes v1 and v0.2 over SHA-512 alone, with the runner as the builder.
  @Test(.enabled(if: FileSystem.status("\(corpora)/npm-attestations") != nil, "not-run: ../shared/corpora is not here"))
  func readsWhatNpmWrites() throws {
    let folder = "\(Self.corpora)/npm-attestations"
    var read = 0
    for name in try FileSystem.list(folder) where name.hasSuffix(".json") {
      let file = JSONReader(
        try JSON(parsing: try FileSystem.read("\(folder)/\(name)", limit: 32 << 20), limits: Self.limits))
      for element in try file.member("attestations").elements() {
        let statement = try Statement(
          parsing: Envelope(try element.member("bundle").member("dsseEnvelope")).payload)
        guard let provenance = try? SLSAProvenance(statement) else { continue }
        #expect(provenance.unknownParameters == [], "\(name)")
        #expect(provenance.source?.repository == provenance.trigger?.repository, "\(name)")
        #expect(statement.subjects.allSatisfy { $0.digests.map(\.algorithm) == [.sha512] }, "\(name)")
        read += 1
      }
    }
    #expect(read == 12)
  }
}
