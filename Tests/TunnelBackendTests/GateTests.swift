import LinuxKit
import Testing
import TunnelBackend

@Suite struct GateTests {
  /// The gate `backend-agility` demands every case of the suite: one that is new cannot be forgotten there.
  @Test func theGateNamesEveryCase() throws {
    let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    let bytes = try FileSystem.read("\(root)/gates/backend-agility.yaml", limit: 1 << 16)
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let named = lines.filter { $0.hasPrefix("    - ") }.map { String($0.dropFirst(6)) }
    #expect(named.sorted() == ConformanceSuite.cases.map(\.id).sorted())
  }
}
