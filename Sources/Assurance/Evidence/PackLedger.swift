import Attestation
import Cryptography
import Diagnostics
import Gates
import StrictJSON
import TransparencyLog
import Wire

extension Pack {
  /// The ledger's part of the pack: checkpoint, leaves, a proof for every signed document, and the earlier checkpoint.
  func ledger(trust: TrustFile, _ demand: PackDemand) -> [Check] {
    do throws(Problem) {
      let checkpoint = try checkpoint()
      let keys = try logKeys(trust, origin: checkpoint.checkpoint.origin, at: demand.time)
      try checkpoint.verify(by: keys, origin: checkpoint.checkpoint.origin)
      var checks: [Check] = [
        .passed(
          "ledger.checkpoint", "the ledger's checkpoint is signed", found: checkpoint.checkpoint.origin,
          source: "C2SP tlog-checkpoint")
      ]
      let leaves = try leaves()
      checks.append(
        .equal(
          "ledger.leaves", "ledger.leaves", "the root over the packed leaves",
          expected: checkpoint.checkpoint.root.base64, found: try root(of: leaves[...]).base64,
          source: "RFC 9162 §2.1.1"))
      for name in documents.keys.filter(MemberName.isLogged).sorted() {
        checks.append(proof(of: name, checkpoint: checkpoint, keys: keys))
      }
      if let since = demand.since { checks.append(extends(since, checkpoint, leaves, keys)) }
      return checks
    } catch {
      return [Check("ledger.checkpoint", error)]
    }
  }

  /// The keys of the role `log` that are usable, under the name of this ledger.
  private func logKeys(_ trust: TrustFile, origin: String, at time: Timestamp) throws(Problem) -> [NoteKey] {
    guard origin.hasPrefix("preview/") == (manifest.profile == .preview) else {
      throw .refused("ledger.origin", "the ledger \(origin) is none of the profile \(manifest.profile.rawValue)")
    }
    var keys: [NoteKey] = []
    for principal in trust.principals where trust.roles[.log]?.principals.contains(principal.name) ?? false {
      for key in principal.keys where (try? key.requireUsable(at: time, for: manifest.profile)) != nil {
        // Checkpoints are signed notes, and those know Ed25519 (C2SP signed-note); another key of the log never signs one.
        guard let publicKey = key.key.ed25519 else { continue }
        keys.append(try NoteKey(name: origin, publicKey: publicKey))
      }
    }
    guard !keys.isEmpty else {
      throw .refused(
        "ledger.no-key", "no Ed25519 key of the role log is usable at \(time)",
        hint: "see rustynet-assure trust inspect")
    }
    return keys
  }

  private func leaves() throws(Problem) -> [LogHash] {
    let bytes = try document(MemberName.leaves)
    guard bytes.count.isMultiple(of: LogHash.length) else {
      throw .malformed("ledger.leaves", "the leaves are not a whole number of hashes", place: MemberName.leaves)
    }
    var leaves: [LogHash] = []
    for start in stride(from: 0, to: bytes.count, by: LogHash.length) {
      leaves.append(try LogHash(Array(bytes[start..<start + LogHash.length])))
    }
    return leaves
  }

  private func root(of leaves: ArraySlice<LogHash>) throws(Problem) -> LogHash {
    var frontier = Frontier()
    for leaf in leaves { frontier.append(leaf) }
    return frontier.root
  }

  private func proof(of name: String, checkpoint: SignedCheckpoint, keys: [NoteKey]) -> Check {
    let id = "ledger.\(name)"
    do throws(Problem) {
      let proof = try InclusionProof(parsing: try document(MemberName.proof(of: name)))
      let entry = LedgerEntry(name: name, document: try document(name))
      try proof.verify(entry: entry.encoded, keys: keys, origin: checkpoint.checkpoint.origin)
      guard proof.checkpoint.note.bytes == checkpoint.note.bytes else {
        throw .refused("ledger.checkpoint", "the proof of \(name) has another checkpoint")
      }
      if name == MemberName.verdict {
        return .equal(
          id, "ledger.sequence", "the place of the verdict in the ledger", expected: "\(try claim().sequence)",
          found: "\(proof.index)", source: "V27")
      }
      return .passed(id, "the document is in the ledger", found: "\(proof.index)", source: "RFC 9162 §2.1.3.2")
    } catch {
      return Check(id, error)
    }
  }

  /// The earlier checkpoint must be the root over the first of the packed leaves.
  private func extends(
    _ since: SignedCheckpoint, _ checkpoint: SignedCheckpoint, _ leaves: [LogHash], _ keys: [NoteKey]
  ) -> Check {
    let id = "ledger.since"
    do throws(Problem) {
      try since.verify(by: keys, origin: checkpoint.checkpoint.origin)
      guard since.checkpoint.size <= leaves.count else {
        throw .refused(
          "ledger.rollback",
          "the ledger had \(since.checkpoint.size) entries at the earlier audit, now \(leaves.count)",
          source: "RFC 9162 §2.1.4", hint: "entries were removed, or this is an older pack")
      }
      return .equal(
        id, "ledger.fork", "the ledger at the earlier audit", expected: since.checkpoint.root.base64,
        found: try root(of: leaves[..<since.checkpoint.size]).base64, source: "RFC 9162 §2.1.4")
    } catch {
      return Check(id, error)
    }
  }
}
