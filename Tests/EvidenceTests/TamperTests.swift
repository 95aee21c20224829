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

private func set(_ json: JSON, _ key: String, _ value: JSON?) -> JSON {
  guard case .object(var object) = json else { return json }
  object[key] = value
  return .object(object)
}

@Suite struct TamperTests {
  /// The faults of a pack whose manifest stays as it was signed, with other members.
  private func unsigned(_ change: (inout [Container.Member]) -> Void) throws -> [String] {
    var members = try Container.decode(Sample.pack.get())
    change(&members)
    do {
      let bytes = try Container.encode(members)
      return faults(try Pack(parsing: bytes).audit(Sample.release.get().demand()))
    } catch let problem as Problem { return [problem.code] }
  }

  @Test func flippedBitsAreNoticed() throws {
    let good = try Sample.pack.get()
    let demand = try Sample.release.get().demand()
    #expect(faults(try Pack(parsing: good).audit(demand)) == [])
    var numbers = SeededNumbers(state: 20_261_122)
    var places = (0..<(isFull ? 2000 : 16)).map { _ in
      (Int.random(in: good.indices, using: &numbers), UInt8(1) << Int.random(in: 0..<8, using: &numbers))
    }
    places += stride(from: 0, to: good.count, by: isFull ? 10 : 9973).map { ($0, 0xff) }
    for (index, mask) in places {
      var bytes = good
      bytes[index] ^= mask
      guard let pack = try? Pack(parsing: bytes) else { continue }
      #expect(pack.audit(demand).outcome == .failed, "byte \(index), mask \(mask)")
    }
  }

  @Test func everyMemberIsNeeded() throws {
    let names = try Container.decode(Sample.pack.get()).map(\.name)
    #expect(names.count >= 40)
    for (index, name) in names.enumerated() where isFull || index.isMultiple(of: 5) {
      #expect(try !unsigned { $0.remove(at: index) }.isEmpty, "\(name) left out")
      let other = (index + 1) % names.count
      #expect(
        try !unsigned { members in
          members[index] = Container.Member(name: name, bytes: members[other].bytes)
        }.isEmpty, "\(name) swapped")
    }
    #expect(try unsigned { $0.append(Container.Member(name: "more", bytes: [])) } == ["pack.surplus"])
    #expect(try unsigned { _ in } == [])
  }

  /// The same with a manifest that the builder signed anew: what is missing must be missed by what needs it.
  @Test func everyMemberIsNeededByTheAuditItself() throws {
    let release = try Sample.release.get()
    let documents = try Sample.documents.get()
    for (index, name) in documents.keys.sorted().enumerated() where isFull || index.isMultiple(of: 5) {
      var changed = documents
      changed[name] = nil
      #expect(try !release.audit(changed).isEmpty, "\(name) left out")
    }
    #expect(try release.audit(documents) == [])
  }

  @Test func onlyTheBuilderSignsTheManifest() throws {
    let release = try Sample.release.get()
    let documents = try Sample.documents.get()
    #expect(try release.audit(documents, signer: 1) == [])
    #expect(try release.audit(documents, signer: 9) == ["signature.unknown", "signature.threshold", "signature.first"])
    #expect(try release.audit(documents, signer: 2) == ["signature.role", "signature.threshold", "signature.first"])
  }

  @Test func theManifestHasOneSpelling() throws {
    let members = try Container.decode(Sample.pack.get()).filter { $0.name != Manifest.name }
    let manifest = Manifest(profile: .release, created: now, members: members)
    func read(_ envelope: Envelope, _ bytes: [UInt8]? = nil) -> String {
      outcome {
        try Pack(
          parsing: Container.encode(members + [Container.Member(name: Manifest.name, bytes: bytes ?? envelope.encoded)])
        )
      }
    }
    func envelope(
      _ payload: [UInt8], type: String = Manifest.payloadType, signers: [UInt8] = [1], hints: Bool = false
    ) throws -> Envelope {
      Envelope(payloadType: type, payload: payload, signedBy: try signers.map { try key($0) }, hints: hints)
    }
    let payload = manifest.json.canonical
    let good = try envelope(payload)
    #expect(read(good) == "accepted")
    #expect(read(try envelope(payload, signers: [1, 2])) == "pack.manifest")
    #expect(read(try envelope(payload, hints: true)) == "pack.manifest")
    #expect(read(try envelope(payload, type: Envelope.statementType)) == "pack.manifest")
    #expect(read(try envelope(payload + [0x0a])) == "pack.manifest")
    #expect(read(try envelope(Array(manifest.json.pretty.utf8))) == "pack.manifest")
    #expect(read(good, Array(good.json.pretty.utf8)) == "pack.manifest")
    #expect(read(good, good.encoded + [0x0a]) == "pack.manifest")
    #expect(read(try envelope(set(manifest.json, "x", 1).canonical)) == "json.unknown-field")
    #expect(read(try envelope(set(manifest.json, "type", "x").canonical)) == "pack.type")
    #expect(outcome { try Pack(parsing: Container.encode(members)) } == "pack.manifest")
  }

  /// An attacker who has the builder's key, but not the log's: the verdict is edited and the manifest signed anew.
  @Test func everyLeafOfTheVerdictCounts() throws {
    let release = try Sample.release.get()
    let documents = try Sample.documents.get()
    let verdict = try JSON(parsing: documents[MemberName.verdict] ?? [])
    let all = mutations(of: verdict)
    #expect(all.count > 300)
    var numbers = SeededNumbers(state: 1)
    let chosen =
      isFull
      ? all : Array(all.filter { $0.place.split(separator: "/").count == 1 } + all.shuffled(using: &numbers).prefix(8))
    for (place, changed) in chosen {
      var copy = documents
      copy[MemberName.verdict] = changed.canonical + [0x0a]
      #expect(try !release.audit(copy).isEmpty, "\(place)")
    }
    for bytes in [verdict.canonical, Array(verdict.pretty.utf8), [], verdict.canonical + [0x0a, 0x0a]] {
      var copy = documents
      copy[MemberName.verdict] = bytes
      #expect(try !release.audit(copy).isEmpty)
    }
  }

  /// An attacker who has every key but the root's: the forged verdict is even in the ledger.
  @Test func aRefusedVerdictCannotBeCalledPassed() throws {
    var release = try SampleRelease()
    release.exitCode = 1
    release.said = ["it is broken"]
    let evidence = try release.evidence()
    let honest = try release.audit(release.complete(evidence))
    #expect(honest == ["verdict.refused"])
    let good = try JSON(parsing: Sample.documents.get()[MemberName.verdict] ?? [])
    let forged = try release.complete(evidence) { documents in
      var verdict = try JSON(parsing: documents[MemberName.verdict] ?? [])
      guard case .object(let object) = good else { return }
      for key in ["outcome", "title", "gates"] { verdict = set(verdict, key, object[key]) }
      documents[MemberName.verdict] = verdict.canonical + [0x0a]
    }
    let found = try release.audit(forged)
    #expect(found.contains("verdict.derived"))
    #expect(found.contains("verdict.refused"))
  }

  @Test func aLowerLimitIsAnotherPolicy() throws {
    var release = try SampleRelease()
    release.limits = set(release.limits, "tests.minimum", 3)
    let evidence = try release.evidence()
    #expect(try release.audit(release.complete(evidence)) == ["verdict.refused"])
    // The attacker lowers it, and signs the policy with every key but the root's.
    release.limits = set(release.limits, "tests.minimum", 2)
    for signer in [1, 2, 3, 9] as [UInt8] {
      release.policySigner = signer
      #expect(try !release.audit(release.complete(release.evidence())).isEmpty, "key \(signer)")
    }
    release.policySigner = 7
    #expect(try release.audit(release.complete(release.evidence())) == [])
  }

  @Test func everyInnerSignatureIsVerified() throws {
    let release = try Sample.release.get()
    let evidence = try release.evidence()
    let names =
      evidence.keys.filter { $0.hasPrefix("records/") }.sorted() + [MemberName.signedSBOM, MemberName.provenance]
    for name in names {
      let envelope = try Envelope(parsing: evidence[name] ?? [])
      for signer in isFull ? [9, 2] : [9] as [UInt8] {
        var changed = evidence
        changed[name] =
          Envelope(payloadType: envelope.payloadType, payload: envelope.payload, signedBy: [try key(signer)]).encoded
        // Ledger and manifest are right: only the inner signature is not.
        #expect(try release.audit(release.complete(changed)).contains("signature.threshold"), "\(name), key \(signer)")
      }
      var wrongType = evidence
      wrongType[name] =
        Envelope(payloadType: "application/json", payload: envelope.payload, signedBy: [try key(1)]).encoded
      #expect(try release.audit(release.complete(wrongType)).contains("dsse.payload-type"), "\(name)")
    }
    for name in [MemberName.summary, MemberName.result] {
      for signer in isFull ? [1, 9] : [1] as [UInt8] {
        let forged = try release.complete(evidence) { documents in
          let payload = try Envelope(parsing: documents[name] ?? []).payload
          documents[name] =
            Envelope(payloadType: Envelope.statementType, payload: payload, signedBy: [try key(signer)]).encoded
        }
        #expect(try release.audit(forged).contains("signature.threshold"), "\(name), key \(signer)")
      }
      let wrongType = try release.complete(evidence) { documents in
        let payload = try Envelope(parsing: documents[name] ?? []).payload
        documents[name] = Envelope(payloadType: "application/json", payload: payload, signedBy: [try key(2)]).encoded
      }
      #expect(try release.audit(wrongType) == ["dsse.payload-type"], "\(name)")
    }
  }

  @Test func theDecisionFollowsFromTheVerdict() throws {
    let release = try Sample.release.get()
    let evidence = try release.evidence()
    for name in [MemberName.summary, MemberName.result] {
      let envelope = try Envelope(parsing: Sample.documents.get()[name] ?? [])
      let all = mutations(of: try JSON(parsing: envelope.payload))
      #expect(all.count > 20)
      var numbers = SeededNumbers(state: 2)
      for (place, changed) in isFull ? all : Array(all.shuffled(using: &numbers).prefix(4)) {
        // The digest of the program is the signer's own word.
        if place == "/predicate/verifier/version/rustynet-assure.digest" { continue }
        let forged = try release.complete(evidence) { documents in
          documents[name] =
            Envelope(
              payloadType: Envelope.statementType, payload: changed.canonical, signedBy: [try key(2)]
            ).encoded
        }
        #expect(try !release.audit(forged).isEmpty, "\(name) \(place)")
      }
    }
  }

  @Test func theBillsOfMaterialsAreOne() throws {
    let release = try Sample.release.get()
    let evidence = try release.evidence()
    // Another plain one, with the same binaries: the signed one tells.
    var changed = evidence
    changed[MemberName.sbom] = set(SampleRelease.sbom, "serialNumber", "urn:x").canonical
    #expect(try release.audit(release.complete(changed)) == ["sbom.swapped"])
    changed = evidence
    changed[MemberName.sbom] = Array(SampleRelease.sbom.pretty.utf8)
    #expect(try release.audit(release.complete(changed)) == [])
    changed = evidence
    changed[MemberName.signedSBOM] = try release.statement(SampleRelease.sbom, "https://cyclonedx.org/BOM")
    #expect(try release.audit(release.complete(changed)) == ["sbom.type"])
    for subjects in [
      [Subject(name: "tool", digests: [Digest(of: [7])])], [Subject(name: "other", digests: [Digest(of: toolBytes)])],
      release.subjects + release.subjects,
    ] {
      changed[MemberName.signedSBOM] =
        Statement(
          subjects: subjects, predicateType: PredicateType.cycloneDX, predicate: SampleRelease.sbom
        ).signed(by: [try key(1)]).encoded
      #expect(try release.audit(release.complete(changed)) == ["sbom.subjects"])
    }
  }

  @Test func theRecordsAreThoseOfThisRelease() throws {
    let release = try Sample.release.get()
    let evidence = try release.evidence()
    // Two good records change places.
    var swapped = evidence
    swapped[MemberName.record(ofGate: "sbom")] = evidence[MemberName.record(ofGate: "provenance")]
    swapped[MemberName.record(ofGate: "provenance")] = evidence[MemberName.record(ofGate: "sbom")]
    #expect(try release.audit(release.complete(swapped)) == ["verdict.refused"])
    // Records of other binaries.
    var other = release
    other.subjects = [Subject(name: "tool", digests: [Digest(of: [7])])]
    for name in ["records/tests.json", MemberName.record(ofGate: "checks")] {
      var changed = evidence
      changed[name] = try other.evidence()[name]
      #expect(try release.audit(release.complete(changed)) == ["verdict.refused"], "\(name)")
    }
    // An eased gate beside the policy.
    var eased = evidence
    eased[MemberName.gate("checks")] = Array(
      String(decoding: release.gate("checks"), as: UTF8.self).replacing("make", with: "true").utf8)
    #expect(try release.audit(release.complete(eased)) == ["verdict.refused"])
  }

  @Test func anOldVerdictIsNotTakenForANewOne() throws {
    // A verdict that says another place in the ledger than it has.
    let release = try Sample.release.get()
    let evidence = try release.evidence()
    let forged = try release.complete(evidence) { documents in
      let verdict = try release.verdict(sequence: 999, evidence)
      documents[MemberName.verdict] = verdict.encoded
      documents[MemberName.summary] =
        Decision.summary(verdict, documents: documents, program: Digest(of: [7]))
        .signed(by: [try key(2)]).encoded
      documents[MemberName.result] = Decision.result(verdict).signed(by: [try key(2)]).encoded
    }
    #expect(try release.audit(forged) == ["ledger.sequence"])
  }
}

@Suite struct PageTests {
  @Test func textIsEscaped() throws {
    var release = try SampleRelease()
    release.title = "A <script>alert(1)</script> & \"gate\""
    release.exitCode = 1
    release.said = ["<img src=x onerror=alert(2)>", "{{title}} {{{title}}}"]
    let pack = try Pack(parsing: release.pack())
    let audit = pack.audit(try release.demand())
    #expect(faults(audit) == ["verdict.refused"])
    let page = String(decoding: PackPage.html(pack, audit: audit), as: UTF8.self)
    #expect(page.contains("&lt;script&gt;"))
    #expect(page.contains("&lt;img"))
    for text in ["<script", "<img", "onerror=alert(2)>", "\"gate\""] { #expect(!page.contains(text), "\(text)") }
    #expect(page.contains("{{title}}"))
  }

  @Test func directionOverridesAreSpelledOut() throws {
    var release = try SampleRelease()
    release.title = "A \u{202e}gate\u{2066}"
    release.exitCode = 1
    release.said = ["file \u{202e}txt.exe", "mark \u{61c}"]
    let pack = try Pack(parsing: release.pack())
    let page = String(decoding: PackPage.html(pack, audit: pack.audit(try release.demand())), as: UTF8.self)
    for text in ["A \\u{202e}gate\\u{2066}", "file \\u{202e}txt.exe", "mark \\u{61c}"] {
      #expect(page.contains(text), "\(text)")
    }
    #expect(!page.unicodeScalars.contains { $0 != "\n" && Printable.isUnsafe($0) })
  }

  @Test func theVerdictComesFirst() throws {
    let release = try Sample.release.get()
    let pack = try Pack(parsing: Sample.pack.get())
    let page = String(decoding: PackPage.html(pack, audit: pack.audit(try release.demand())), as: UTF8.self)
    let heading = try #require(page.firstRange(of: "<h1>"))
    #expect(page[heading.upperBound...].hasPrefix("RELEASE PASSED</h1>"))
    #expect(page.contains("<title>RELEASE PASSED</title>"))
    #expect(page.contains("class=\"verdict passed\""))
    #expect(!page.contains("Why it is refused"))
    #expect(page.contains("default-src 'none'"))
    #expect(!page.contains("src=") && !page.contains("href="))
    // A refused audit of a verdict that passed is shown as refused.
    var demand = try release.demand()
    demand.time = now.adding(seconds: 5000)
    let refused = String(decoding: PackPage.html(pack, audit: pack.audit(demand)), as: UTF8.self)
    #expect(refused.contains("class=\"verdict failed\""))
    #expect(refused.contains("<h1>RELEASE REFUSED by its audit</h1>"))
    #expect(refused.contains("<title>RELEASE REFUSED by its audit</title>"))
    #expect(refused.contains("Its own verdict, “RELEASE PASSED”, does not count."))
    #expect(refused.contains("Why it is refused"))
    #expect(!refused.contains("class=\"verdict passed\""))
  }
}
