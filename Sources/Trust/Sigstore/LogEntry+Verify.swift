import Cryptography
import Diagnostics
import StrictJSON
import TransparencyLog
import Wire

extension TrustedRoot.Log {
  /// Returns when the log signed its promise to include `entry`: its time, its index and its body (Rekor 1).
  ///
  /// The promise covers a JSON object in the form of RFC 8785; the index is the one over all trees of the log.
  func requirePromise(of entry: LogEntry) throws(Problem) {
    guard let promise = entry.promise, let time = entry.integratedTime else {
      throw .refused("log.promise", "the entry has no promise of the log", source: "Rekor, signed entry timestamp")
    }
    // As RFC 8785 has it: sorted members, and no character that would be escaped.
    let promised = """
      {"body":"\(Base64.encode(entry.body))","integratedTime":\(time.seconds),\
      "logID":"\(Hex.encode(entry.logID))","logIndex":\(entry.index)}
      """
    guard try verifies(promise, over: Array(promised.utf8)) else {
      throw .refused(
        "log.promise", "the promise is not signed by the log \(name)", source: "Rekor, signed entry timestamp")
    }
  }

  /// Returns when the entry's leaf is in the tree of the proof, and the log signed that tree.
  func requireProof(of entry: LogEntry) throws(Problem) {
    guard let proof = entry.proof else {
      throw .refused("log.proof", "the entry has no proof of inclusion", source: "RFC 9162 §2.1.3")
    }
    let checkpoint = try SignedCheckpoint(parsing: proof.checkpoint)
    try requireSigned(checkpoint)
    guard checkpoint.checkpoint.size == proof.size, checkpoint.checkpoint.root == proof.root else {
      throw .refused(
        "log.checkpoint", "the checkpoint is about another tree than the proof", source: "C2SP tlog-checkpoint")
    }
    try MerkleTree.verifyInclusion(
      of: MerkleTree.leafHash(entry.body), index: proof.index, size: proof.size, root: proof.root, proof: proof.hashes)
  }

  /// Returns when this log signed `checkpoint` under its own name.
  ///
  /// Lines of others, such as witnesses, are ignored. A line that claims this log's name and key and does not verify
  /// refuses the whole note (C2SP signed-note; stricter than its "should").
  private func requireSigned(_ checkpoint: SignedCheckpoint) throws(Problem) {
    let origin = checkpoint.checkpoint.origin
    // Rekor 1 has a tree number after its name.
    guard origin.isExactly(name) || origin.utf8.starts(with: "\(name) - ".utf8) else {
      throw .refused(
        "log.origin", "the checkpoint is of “\(origin)”, not of “\(name)”", source: "C2SP tlog-checkpoint")
    }
    let ours = checkpoint.note.signatures.filter { $0.name.isExactly(name) && $0.id == noteID }
    guard !ours.isEmpty else {
      throw .refused(
        "log.checkpoint-unsigned", "the log \(name) did not sign the checkpoint", source: "C2SP signed-note")
    }
    let text = Array(checkpoint.note.text.utf8)
    for signature in ours {
      guard try verifies(signature.signature, over: text) else {
        throw .refused(
          "log.checkpoint-signature", "the signature of the log \(name) on the checkpoint is wrong",
          source: "C2SP signed-note")
      }
    }
  }

  private func verifies(_ signature: [UInt8], over message: [UInt8]) throws(Problem) -> Bool {
    guard let key, let algorithm else {
      throw .refused("log.key", "the key of the log \(name) is of a kind that is not supported")
    }
    return key.isValid(signature, over: message, algorithm)
  }
}
