import Attestation
import Diagnostics
import Gates
import LedgerStore
import LinuxKit
import TransparencyLog

extension ReleaseRun {
  /// The largest ledger whose leaves are packed: 65,536 entries, 2 MiB.
  static let leafLimit = 65_536

  /// Enters every document into the ledger, then judges, then enters the decision; adds proofs and checkpoint.
  ///
  /// The verdict names its own index, so it is judged between the two batches; the ledger's lock is held meanwhile.
  func log(
    _ documents: inout [String: [UInt8]], judge: (Int64, [String: [UInt8]]) -> Verdict
  ) throws(Problem) -> Verdict {
    report("entering the documents into the ledger \(identity.log.key.name)")
    if FileSystem.status("\(identity.ledger)/checkpoint") == nil {
      _ = try LedgerWriter.create(identity.ledger, signer: identity.log)
    }
    var writer = try LedgerWriter(opening: identity.ledger, signer: identity.log)
    let first = documents.keys.filter(MemberName.isLogged).sorted()
    let receipt = try writer.append(first.map { LedgerEntry(name: $0, document: documents[$0] ?? []).encoded })
    let verdict = judge(Int64(receipt.indices.upperBound), documents)
    report("judged: \(verdict.title)")
    documents[MemberName.verdict] = verdict.encoded
    documents[MemberName.summary] =
      try Decision.summary(verdict, documents: documents, program: workspace.tool)
      .signed(by: [identity.key]).encoded
    documents[MemberName.result] = try Decision.result(verdict).signed(by: [identity.key]).encoded
    let second = [MemberName.verdict, MemberName.summary, MemberName.result]
    let last = try writer.append(second.map { LedgerEntry(name: $0, document: documents[$0] ?? []).encoded })
    let places = Array(zip(first, receipt.indices)) + Array(zip(second, last.indices))
    try addProofs(&documents, places: places, size: last.indices.upperBound)
    documents[MemberName.checkpoint] = last.checkpoint.note.bytes
    return verdict
  }

  private func addProofs(_ documents: inout [String: [UInt8]], places: [(String, Int)], size: Int) throws(Problem) {
    guard size <= ReleaseRun.leafLimit else {
      throw .refused(
        "ledger.size", "the ledger has \(size) entries, more than the \(ReleaseRun.leafLimit) that a pack can hold",
        hint: "begin a new ledger")
    }
    let ledger = Ledger(identity.ledger)
    for (name, index) in places { documents[MemberName.proof(of: name)] = try ledger.prove(index).bytes }
    var leaves: [UInt8] = []
    for index in 0..<size { MerkleTree.leafHash(try ledger.entry(index)).append(to: &leaves) }
    documents[MemberName.leaves] = leaves
  }
}
