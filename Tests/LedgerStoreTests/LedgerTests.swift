import Diagnostics
import LedgerStore
import LinuxKit
import Testing
import TransparencyLog

@Suite struct LedgerTests {
  @Test func beginsEmptyAndSigned() throws {
    let test = try TestLedger()
    #expect(try test.ledger.verify(key: test.key).checkpoint.checkpoint.size == 0)
    #expect(throws: Problem.malformed("ledger.exists", "")) { try LedgerWriter.create(test.path, signer: test.signer) }
    #expect(throws: Problem.malformed("ledger.missing", "")) { try Ledger(test.folder).checkpoint() }
  }

  /// The root, every entry and every proof are the same whatever the batches were.
  @Test(arguments: [1, 7, 255, 256, 257, 600]) func keepsEntries(batch: Int) throws {
    let entries = TestLedger.entries(0..<600)
    let test = try TestLedger(entries, batch: batch)
    var frontier = Frontier()
    for entry in entries { frontier.append(MerkleTree.leafHash(entry)) }
    let audit = try test.ledger.verify(key: test.key)
    #expect(audit.checkpoint.checkpoint.root == frontier.root)
    #expect(try test.ledger.check(key: test.key, repair: false).differences.isEmpty)
    for index in [0, 1, 254, 255, 256, 511, 512, 599] {
      #expect(try test.ledger.entry(index) == entries[index])
      let proof = try InclusionProof(parsing: try test.ledger.prove(index).bytes)
      try proof.verify(entry: entries[index], keys: [test.key], origin: test.key.name)
    }
    for index in [-1, 600] {
      #expect(throws: Problem.malformed("ledger.index", "")) { try test.ledger.entry(index) }
      #expect(throws: Problem.malformed("ledger.index", "")) { try test.ledger.prove(index) }
    }
  }

  /// Large batches are written by two threads; the result is the same.
  @Test func keepsLargeBatches() throws {
    let entries = TestLedger.entries(0..<6000)
    let large = try TestLedger(entries, batch: 3000)
    let small = try TestLedger(entries, batch: 2000)
    let audit = try large.ledger.verify(key: large.key)
    #expect(audit.checkpoint.checkpoint == (try small.ledger.checkpoint().checkpoint))
    #expect(try large.bytes("journal") == small.bytes("journal"))
    #expect(try large.ledger.check(key: large.key, repair: false).differences.isEmpty)
    #expect(try large.ledger.entry(5999) == entries[5999])
  }

  @Test func countsOnWithinOneWriterAndAcrossWriters() throws {
    let test = try TestLedger()
    var writer = try LedgerWriter(opening: test.path, signer: test.signer)
    #expect(try writer.append(TestLedger.entries(0..<3)).indices == 0..<3)
    #expect(try writer.append(TestLedger.entries(3..<300)).indices == 3..<300)
    // A second writer waits for the lock.
    #expect(throws: Problem.couldNotRun("lock.timeout", "")) {
      _ = try LedgerWriter(opening: test.path, signer: test.signer, lockSeconds: 0)
    }
    _ = consume writer
    #expect(try test.append(TestLedger.entries(300..<301)).indices == 300..<301)
    #expect(try test.ledger.verify(key: test.key).checkpoint.checkpoint.size == 301)
  }

  @Test func refusesEntriesOfOtherSizesAndTakesTheLimits() throws {
    let test = try TestLedger()
    for entry in [[], [UInt8](repeating: 1, count: 65_536)] {
      #expect(throws: Problem.malformed("ledger.entry-size", "")) { try test.append([[1], entry]) }
    }
    #expect(try test.append([[1], [UInt8](repeating: 1, count: 65_535)]).indices == 0..<2)
    #expect(try test.ledger.entry(1).count == 65_535)
    _ = try test.ledger.verify(key: test.key)
  }

  @Test func takesOneKeyOnly() throws {
    let test = try TestLedger(TestLedger.entries(0..<3))
    let other = try TestLedger()
    #expect(throws: Problem.refused("note.unsigned", "")) {
      _ = try LedgerWriter(opening: test.path, signer: other.signer)
    }
    #expect(throws: Problem.refused("note.unsigned", "")) { try test.ledger.verify(key: other.key) }
    _ = try test.ledger.verify(key: test.key)
  }

  @Test func provesConsistencyBetweenAllItsStates() throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    for (old, new) in [(1, 2), (5, 300), (255, 256), (256, 257), (256, 300), (299, 300), (300, 300)] {
      let proof = try test.ledger.consistencyProof(from: old, to: new)
      try MerkleTree.verifyConsistency(
        from: old, root: try test.ledger.root(size: old), to: new, root: try test.ledger.root(size: new), proof: proof)
    }
    #expect(throws: Problem.malformed("ledger.size", "")) { try test.ledger.consistencyProof(from: 1, to: 301) }
    #expect(throws: Problem.refused("merkle.sizes", "")) { try test.ledger.consistencyProof(from: 3, to: 2) }
  }

  @Test func provesAgainstAnEarlierCheckpoint() throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    let earlier = try test.ledger.checkpoint()
    try test.append(TestLedger.entries(300..<900))
    let proof = try test.ledger.prove(299, in: earlier)
    try proof.verify(entry: TestLedger.entries(299..<300)[0], keys: [test.key], origin: test.key.name)
    #expect(proof.checkpoint == earlier)
  }

  /// An older copy of the folder is consistent in itself; only a checkpoint kept elsewhere finds the rollback.
  @Test func findsARollbackAndAFork() throws {
    let test = try TestLedger(TestLedger.entries(0..<10))
    let old = try test.snapshot()
    let first = try test.ledger.checkpoint()
    try test.append(TestLedger.entries(10..<20))
    let second = try test.ledger.checkpoint()
    _ = try test.ledger.verify(key: test.key, extending: first)
    _ = try test.ledger.verify(key: test.key, extending: second)
    try test.restore(old)
    _ = try test.ledger.verify(key: test.key, extending: first)
    #expect(throws: Problem.refused("ledger.rollback", "")) {
      try test.ledger.verify(key: test.key, extending: second)
    }
    #expect(throws: Problem.refused("ledger.rollback", "")) {
      _ = try LedgerWriter(opening: test.path, signer: test.signer, extending: second)
    }
    // The same size with other entries.
    try test.append(TestLedger.entries(110..<120))
    #expect(throws: Problem.refused("ledger.rollback", "")) {
      try test.ledger.verify(key: test.key, extending: second)
    }
    _ = try LedgerWriter(opening: test.path, signer: test.signer, extending: first)
  }
}
