import Attestation
import Cryptography
import Diagnostics
import Gates
import StrictJSON
import TestSupport
import Testing
import TransparencyLog
import Wire

@testable import Evidence

@Suite struct AuditTests {
  private func audit(_ change: (inout PackDemand) throws -> Void = { _ in }) throws -> [String] {
    var demand = try Sample.release.get().demand()
    try change(&demand)
    return faults(try Pack(parsing: Sample.pack.get()).audit(demand))
  }

  @Test func theSampleIsAccepted() throws {
    let release = try Sample.release.get()
    let audit = try Pack(parsing: Sample.pack.get()).audit(release.demand())
    #expect(faults(audit) == [])
    #expect(audit.outcome == .passed)
    #expect(audit.verdict?.isPassed == true)
    #expect(audit.verdict?.title == "RELEASE PASSED")
    #expect(audit.checks.count > 50)
    // The same inputs give the same bytes.
    #expect(try release.pack() == Sample.pack.get())
  }

  @Test func theProfileIsAskedFor() throws {
    let preview = try SampleRelease(profile: .preview)
    let pack = try Pack(parsing: preview.pack())
    let asked = try PackDemand(trust: preview.trustEnvelope(), time: now)
    #expect(asked.profile == .release)
    #expect(faults(pack.audit(asked)).contains("pack.profile"))
    // Even as a preview it is refused: its policy is not the pinned one.
    #expect(faults(pack.audit(try preview.demand())).contains("policy.pinned"))
    #expect(!faults(pack.audit(try preview.demand())).contains("pack.profile"))
    #expect(try audit { $0.profile = .preview } == ["pack.profile"])
  }

  @Test func aPreviewThatCallsItselfAReleaseIsRefused() throws {
    // Everything is made with preview keys, only the manifest says release.
    let preview = try SampleRelease(profile: .preview)
    var release = preview
    release.profile = .release
    let bytes = try release.pack(preview.complete(preview.evidence()))
    let found = faults(try Pack(parsing: bytes).audit(Sample.release.get().demand()))
    #expect(found.contains("trust.profile"))
    #expect(
      try faults(Pack(parsing: bytes).audit(PackDemand(trust: preview.trustEnvelope(), time: now))).contains(
        "trust.profile"))
  }

  @Test func theTimeOfTheAuditCounts() throws {
    let rows: [(seconds: Int64, codes: Set<String>)] = [
      (0, []), (1000, []), (1001, ["evidence.stale"]), (-300, []), (-301, ["evidence.future"]),
      (30 * day, ["evidence.stale"]), (30 * day + 1, ["evidence.stale", "key.expired"]),
      (60 * day, ["evidence.stale", "trust.expired"]), (-day - 1, ["evidence.future"]),
    ]
    for row in rows {
      let found = Set(try audit { $0.time = now.adding(seconds: row.seconds) })
      #expect(found.isEmpty == row.codes.isEmpty, "\(row.seconds): \(found)")
      let isTrusted = row.seconds > -day && row.seconds <= 30 * day
      #expect(!isTrusted || found == row.codes, "\(row.seconds): \(found)")
      #expect(!row.codes.contains("key.expired") || found.contains("key.expired"))
    }
  }

  @Test func theAuditorsTrustDecides() throws {
    func trust(_ release: SampleRelease, signer: UInt8 = 7) throws -> [String] {
      try audit { $0.trust = try release.trustEnvelope(signer: signer) }
    }
    #expect(try trust(SampleRelease(version: 4)) == [])
    #expect(try trust(SampleRelease(version: 5)) == [])
    #expect(try trust(SampleRelease(version: 3)) == ["trust.rollback"])
    // Each key of the release, revoked: builder, verifier, log, and the root key that signed policy and trust file.
    for number in [1, 2, 6, 5] as [UInt8] {
      #expect(try trust(SampleRelease(version: 5, revoked: number)).isEmpty == false, "key \(number)")
    }
    #expect(try trust(SampleRelease(version: 5, revoked: 1)).contains("key.revoked"))
    #expect(try trust(SampleRelease(version: 5, revoked: 6)) == ["ledger.no-key"])
    #expect(
      try trust(SampleRelease(version: 5, revoked: 5)).allSatisfy {
        ["key.revoked", "signature.threshold"].contains($0)
      })
    // The key of somebody who signed nothing may be revoked.
    #expect(try trust(SampleRelease(version: 5, revoked: 3)) == [])
    #expect(try trust(Sample.release.get(), signer: 1) == ["signature.role"])
  }

  @Test func anExceptionOfARevokedOwnerIsRefused() throws {
    var release = try SampleRelease()
    release.exceptionSigners = [3, 4]
    release.exceptions = [
      "type": "rustynet-dependency-exceptions/v1",
      "exceptions": [
        [
          "id": "e", "package": "pkg:swift/h/o/lib", "reason": "r", "owner": "o",
          "issued": .string("\(now.adding(seconds: -day))"), "expires": .string("\(now.adding(seconds: day))"),
        ]
      ],
    ]
    let pack = try Pack(parsing: release.pack())
    #expect(faults(pack.audit(try release.demand())) == [])
    for number in [3, 4] as [UInt8] {
      var demand = try release.demand()
      demand.trust = try SampleRelease(version: 5, revoked: number).trustEnvelope(signer: 7)
      #expect(faults(pack.audit(demand)).contains("key.revoked"), "key \(number)")
    }
  }

  @Test func everyGateOfAReleaseIsDemanded() throws {
    #expect(try audit { $0.requiredGates = SampleRelease.ids + ["soak"] } == ["policy.gates"])
    #expect(try audit { $0.requiredGates = ["tests"] } == [])
    // The default is the list of the program, which the sample's policy does not fulfil.
    let release = try Sample.release.get()
    let plain = PackDemand(trust: try release.trustEnvelope(), time: now)
    #expect(faults(try Pack(parsing: Sample.pack.get()).audit(plain)) == ["policy.gates"])
    #expect(PinnedPolicy.releaseGates.count >= 15)
  }

  @Test func anotherRootIsRefused() throws {
    #expect(try audit { $0.fingerprint = Digest(of: []) } == ["trust.fingerprint"])
    var other = try SampleRelease()
    try other.trust.allow("sec", in: .root, threshold: 1)
    #expect(
      try audit { demand in
        demand.trust = try other.trustEnvelope()
        demand.fingerprint = nil
      } == ["trust.root"])
    let envelope = Envelope(
      payloadType: "x", payload: try Sample.release.get().trust.json.canonical, signedBy: [try key(5)])
    #expect(try audit { $0.trust = envelope } == ["trust.payload-type"])
  }

  @Test func subjectsMustMatch() throws {
    let right = Digest(of: toolBytes)
    let rows: [(digests: [Digest], passes: Bool)] = [
      ([right], true), ([Digest(of: toolBytes, .sha512)], true), ([right, Digest(of: toolBytes, .sha512)], true),
      ([Digest(of: [7])], false), ([right, Digest(of: [7], .sha512)], false), ([], false),
      ([Digest(of: toolBytes, .sha384)], false),
    ]
    for row in rows {
      #expect(
        try audit { $0.subjects = [(name: "renamed", digests: row.digests)] } == (row.passes ? [] : ["subject.digest"]))
    }
    #expect(try audit { $0.subjects += [(name: "other", digests: [Digest(of: [7])])] } == ["subject.digest"])
    #expect(try audit { $0.subjects = [] } == [])
  }

  @Test func theLedgerOnlyGrows() throws {
    let release = try Sample.release.get()
    func since(_ checkpoint: SignedCheckpoint) throws -> [String] { try audit { $0.since = checkpoint } }
    var log = try release.log()
    #expect(try since(log.checkpoint(size: 0)) == [])
    #expect(try since(log.checkpoint(size: 1)) == [])
    #expect(try since(log.checkpoint()) == [])
    #expect(try since(Pack(parsing: Sample.pack.get()).checkpoint()) == [])
    // A fork of the same length as an earlier state, and one more entry than the pack has.
    var fork = MemoryLog(signer: log.signer)
    fork.append([[1], [2], [4]])
    #expect(try since(fork.checkpoint()) == ["ledger.fork"])
    log.append((0..<100).map { [UInt8($0)] })
    #expect(try since(log.checkpoint()) == ["ledger.rollback"])
    let other = try MemoryLog(signer: NoteSigner(name: "log.example/other", signingKey: key(6)))
    #expect(try since(other.checkpoint()) == ["checkpoint.origin"])
    #expect(try since(release.log(key(9)).checkpoint()) == ["note.unsigned"])
  }

  @Test func anotherLogIsRefused() throws {
    let release = try Sample.release.get()
    let evidence = try release.evidence()
    #expect(try release.audit(release.complete(evidence)) == [])
    #expect(try release.audit(release.complete(evidence, log: release.log(key(9)))) == ["note.unsigned"])
    var other = release
    other.origin = "preview/log"
    #expect(try release.audit(other.complete(evidence)) == ["ledger.origin"])
    // The checkpoint of the same log at another time.
    var documents = try Sample.documents.get()
    documents[MemberName.checkpoint] = try release.log().checkpoint().note.bytes
    #expect(try release.audit(documents).contains("ledger.leaves"))
    documents = try Sample.documents.get()
    documents[MemberName.leaves] = Array((documents[MemberName.leaves] ?? []).dropLast(32))
    #expect(try release.audit(documents) == ["ledger.leaves"])
    documents[MemberName.leaves] = Array((documents[MemberName.leaves] ?? []).dropLast())
    #expect(try release.audit(documents) == ["ledger.leaves"])
    documents[MemberName.leaves] = []
    #expect(try release.audit(documents) == ["ledger.leaves"])
  }
}
