import Attestation
import Diagnostics
import Evidence
import LinuxKit
import StrictJSON
import Testing
import TransparencyLog

@Suite struct SeenStateTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/rustynet-seen.\(UInt64.random(in: 0 ... .max))"
    defer { try? FileSystem.removeTree(folder) }
    try body(folder)
  }

  private func file(_ folder: String) throws -> String {
    "\(folder)/\(try #require(try FileSystem.list(folder).first { $0.hasSuffix(".json") }))"
  }

  @Test func remembersAndAcceptsTheSameAgain() throws {
    let release = try SampleRelease()
    let pack = try Pack(parsing: release.pack())
    try inFolder { folder in
      for _ in 0..<2 {
        let state = try SeenState(folder: folder, trust: release.trustEnvelope())
        #expect(try state.update(pack, trust: release.trust).outcome == .passed)
      }
      let state = try SeenState(folder: folder, trust: release.trustEnvelope())
      #expect(try state.checkpoint?.note.bytes == pack.checkpoint().note.bytes)
    }
  }

  /// Whatever was seen to be higher refuses the pack and stays remembered.
  @Test(arguments: ["trustVersion", "policyVersion", "sequence", "ledgerSize"]) func refusesOlder(name: String) throws {
    let release = try SampleRelease()
    let pack = try Pack(parsing: release.pack())
    try inFolder { folder in
      _ = try SeenState(folder: folder, trust: release.trustEnvelope()).update(pack, trust: release.trust)
      let path = try file(folder)
      guard case .object(var object) = try JSON(parsing: try FileSystem.read(path, limit: 1 << 18)) else {
        return #expect(Bool(false))
      }
      object[name] = 1_000_000
      try FileSystem.write(JSON.object(object).canonical, to: path)
      let state = try SeenState(folder: folder, trust: release.trustEnvelope())
      #expect(try state.update(pack, trust: release.trust).code == "state.rollback")
      #expect(try FileSystem.read(path, limit: 1 << 18) == JSON.object(object).canonical)
    }
  }

  /// A state that cannot be read in full compares nothing, so it must not be taken for an empty one.
  @Test func refusesADamagedState() throws {
    let release = try SampleRelease()
    let pack = try Pack(parsing: release.pack())
    try inFolder { folder in
      _ = try SeenState(folder: folder, trust: release.trustEnvelope()).update(pack, trust: release.trust)
      let path = try file(folder)
      let good = try FileSystem.read(path, limit: 1 << 18)
      guard case .object(let object) = try JSON(parsing: good) else { return #expect(Bool(false)) }
      for (key, _) in object.members {
        for value in [nil, JSON.string("x"), .null] {
          var changed = object
          changed[key] = value
          try FileSystem.write(JSON.object(changed).canonical, to: path)
          #expect(throws: Problem.self, "\(key)") { try SeenState(folder: folder, trust: release.trustEnvelope()) }
        }
      }
      try FileSystem.write(Array(good.dropLast(9)), to: path)
      #expect(throws: Problem.self) { try SeenState(folder: folder, trust: release.trustEnvelope()) }
      try FileSystem.write(good, to: path)
      #expect(try SeenState(folder: folder, trust: release.trustEnvelope()).checkpoint != nil)
    }
  }
}
