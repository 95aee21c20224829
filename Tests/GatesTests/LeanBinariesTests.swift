import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing

@testable import Gates

@Suite struct LeanBinariesTests {
  private func judge(
    bytes: Int64 = 1000, modules: [JSON] = [], libraries: [JSON] = ["libc.so.6"], control: [JSON] = ["Yams"],
    digest: String? = nil
  ) throws -> [String] {
    let sample = try Sample()
    let evidence = try sample.evidence
    let subject = try #require(evidence.subjects.first)
    let binary: JSON = [
      "name": .string(subject.name), "sha256": .string(digest ?? subject.digests[0].hex), "bytes": .integer(bytes),
      "libraries": .array(libraries), "modules": .array(modules),
    ]
    let facts: JSON = ["sample": 1, "binaries": .array([binary]), "control": ["modules": .array(control)]]
    let gate = try definition(
      "lean-binaries",
      rest: "parameters: {modules: [Yams], libraries: [libc.so.6], maximum-bytes: 1000, control: other}")
    return faults(gate.judge(facts, by: evidence))
  }

  @Test func aLeanBinaryPasses() throws { #expect(try judge() == []) }

  @Test func eachExcessFails() throws {
    #expect(try judge(bytes: 1001) == ["lean-binaries.size"])
    #expect(try judge(modules: ["Yams"]) == ["lean-binaries.module"])
    #expect(try judge(libraries: ["libc.so.6", "libssl.so.3"]) == ["lean-binaries.library"])
    #expect(try judge(digest: String(repeating: "0", count: 64)) == ["lean-binaries.subject"])
  }

  @Test func aSearchThatSeesNothingProvesNothing() throws { #expect(try judge(control: []) == ["lean-binaries.blind"]) }
}
