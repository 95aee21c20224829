import Diagnostics
import LedgerStore
import LinuxKit
import Testing
import TransparencyLog

@Suite struct LedgerDamageTests {
  static let files = [
    "journal", "checkpoint", "tile/entries/000", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/44",
    "tile/0/001.p/44",
  ]

  /// A changed bit anywhere in any file is found by a full check, and fsck repairs exactly what follows from others.
  @Test(arguments: files) func findsAChangedBit(file: String) throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    let good = try test.bytes(file)
    for place in stride(from: 0, to: good.count, by: max(1, good.count / 40)) {
      var bytes = good
      bytes[place] ^= 0x10
      try test.write(bytes, file)
      #expect(throws: Problem.self, "\(file) byte \(place)") { try test.ledger.verify(key: test.key) }
    }
    try test.write(good, file)
    _ = try test.ledger.verify(key: test.key)
  }

  @Test(arguments: files.dropFirst(2)) func repairsTiles(file: String) throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    let good = try test.snapshot()
    let bytes = try test.bytes(file)
    for damage in [Array(bytes.dropLast()), bytes + [0], [], bytes.map { $0 ^ 1 }, nil] as [[UInt8]?] {
      if let damage { try test.write(damage, file) } else { try test.remove(file) }
      #expect(throws: Problem.refused("ledger.damaged", "")) { try test.ledger.verify(key: test.key) }
      let found = try test.ledger.check(key: test.key, repair: false)
      #expect(found.differences.map(\.place) == [file])
      #expect(found.worst?.severity == .repairable)
      #expect(try test.ledger.check(key: test.key, repair: true).worst == nil)
      #expect(try test.ledger.check(key: test.key, repair: false).differences.isEmpty)
      #expect(try test.snapshot() == good)
    }
  }

  /// An append repairs the edge by itself; the rest it does not look at, and a proof through it is refused.
  @Test(arguments: files.dropFirst(4)) func appendsAfterLosingTheEdge(file: String) throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    try test.write([1, 2, 3], file)
    try test.append(TestLedger.entries(300..<310))
    #expect(try test.ledger.check(key: test.key, repair: false).differences.isEmpty)
  }

  @Test func handsOutNoProofThroughADamagedTile() throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    _ = try test.ledger.prove(5)
    var bytes = try test.bytes("tile/0/000")
    bytes[32 * 4] ^= 1
    try test.write(bytes, "tile/0/000")
    #expect(throws: Problem.refused("ledger.damaged", "")) { try test.ledger.prove(5) }
    var bundle = try test.bytes("tile/entries/000")
    bundle[4] ^= 1
    try test.write(bundle, "tile/entries/000")
    #expect(throws: Problem.refused("ledger.damaged", "")) { try test.ledger.entry(0) }
  }

  /// A journal shorter than the checkpoint, or another one, is never written over.
  @Test func refusesAJournalThatDisagrees() throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    let journal = try test.bytes("journal")
    let other = try TestLedger(TestLedger.entries(1000..<1300))
    var changed = journal
    changed[changed.count / 2] ^= 1
    for bad in [Array(journal.dropLast()), [], Array(journal.prefix(27)), changed, try other.bytes("journal")] {
      try test.remove("position")
      try test.write(bad, "journal")
      let before = try test.snapshot()
      #expect(throws: Problem.refused("ledger.damaged", "")) { try test.append([[1]]) }
      #expect(throws: Problem.refused("ledger.damaged", "")) { try test.ledger.verify(key: test.key) }
      #expect(try test.ledger.check(key: test.key, repair: true).worst?.severity == .fatal)
      #expect(try test.snapshot() == before)
    }
    try test.write(journal, "journal")
    try test.append([[1]])
  }

  /// Whatever stands behind the checkpoint in the journal, the ledger goes on: whole records are kept, the rest is cut.
  @Test func recoversAtEveryByteOfATornBatch() throws {
    let test = try TestLedger(TestLedger.entries(0..<254))
    let before = try test.snapshot()
    try test.append(TestLedger.entries(254..<258))
    let journal = try test.bytes("journal")
    let start = before["journal"]?.count ?? 0
    for (cut, hint) in (start...journal.count).flatMap({ [($0, true), ($0, false)] }) {
      try test.restore(before)
      if !hint { try test.remove("position") }
      try test.write(Array(journal[..<cut]) + (cut.isMultiple(of: 2) ? [] : [0, 0, 0]), "journal")
      let kept = (cut - start) / (42 + 9)
      #expect(try test.ledger.verify(key: test.key).pending == kept)
      var writer = try LedgerWriter(opening: test.path, signer: test.signer)
      #expect(writer.pending == kept)
      let receipt = try writer.append([[7]])
      #expect(receipt.indices == 254 + kept..<255 + kept)
      // Superseded tiles go away with the writer.
      _ = consume writer
      #expect(try test.ledger.check(key: test.key, repair: false).differences.isEmpty)
    }
  }

  @Test func signsWhatACrashLeftDurable() throws {
    let test = try TestLedger(TestLedger.entries(0..<10))
    let old = try test.snapshot()
    try test.append(TestLedger.entries(10..<20))
    let full = try test.ledger.checkpoint()
    var files = old
    files["journal"] = try test.bytes("journal")
    try test.restore(files)
    #expect(try test.ledger.check(key: test.key, repair: true).pending == 10)
    var writer = try LedgerWriter(opening: test.path, signer: test.signer)
    #expect(try writer.sign() == full)
  }

  /// Where a part of a batch cannot be written, nothing of it counts, and no checkpoint over it is left behind: not even
  /// under another name, because a signature over entries that are lost would accuse the ledger of a fork.
  @Test(arguments: ["tile/entries/000.p/12", "checkpoint"], [2, 300])
  func leavesNoCheckpointOfABatchThatFailed(blocked: String, count: Int) throws {
    let test = try TestLedger(TestLedger.entries(0..<10))
    let before = try test.ledger.checkpoint()
    var writer = try LedgerWriter(opening: test.path, signer: test.signer)
    // A folder where a file belongs stops the writer as a full disk does.
    let tile = count == 2 ? blocked : blocked.replacing("000.p/12", with: "000")
    if blocked == "checkpoint" { try FileSystem.remove("\(test.path)/checkpoint") }
    try FileSystem.makeFolder("\(test.path)/\(tile)")
    var codes: [String] = []
    for entries in [TestLedger.entries(10..<10 + count), [[1]]] {
      do throws(Problem) { _ = try writer.append(entries) } catch { codes.append(error.code) }
    }
    #expect(codes.count == 2 && codes.last == "ledger.stopped")
    #expect(try FileSystem.list(test.path).filter { $0.hasSuffix(".tmp") } == [])
    _ = consume writer
    try test.remove(tile)
    if blocked == "checkpoint" { try test.write(before.note.bytes, "checkpoint") }
    #expect(try test.ledger.checkpoint() == before)
    // The journal has the batch, and the next one takes it along.
    try test.append([[1]])
    #expect(try test.ledger.verify(key: test.key).checkpoint.checkpoint.size == 11 + count)
  }

  /// The hint about the end of the journal may be wrong in any way.
  @Test func believesNoHint() throws {
    let test = try TestLedger(TestLedger.entries(0..<300))
    let hint = String(decoding: try test.bytes("position"), as: UTF8.self)
    let boot = String(hint.prefix { $0 != " " })
    var size = 300
    for text in [
      "", "x", "\(boot) 300 27\n", "\(boot) 299 27\n", "\(boot) 0 27\n", "\(boot) 300 99999999\n", "no-boot 300 27\n",
    ] {
      try test.write(Array(text.utf8), "position")
      try test.append([[1, 2, 3]])
      size += 1
      #expect(try test.ledger.check(key: test.key, repair: false).differences.isEmpty)
      #expect(try test.ledger.checkpoint().checkpoint.size == size)
    }
  }

  @Test func clearsLeftovers() throws {
    let test = try TestLedger(TestLedger.entries(0..<10))
    let good = try test.snapshot()
    try FileSystem.makeFolder("\(test.path)/tile/0/009.p")
    for file in ["tile/0/009.p/4", "tile/0/x", "checkpoint.1.2.tmp", "tile/entries/000"] { try test.write([1], file) }
    _ = try test.ledger.verify(key: test.key)
    #expect(try test.ledger.check(key: test.key, repair: false).differences.count == 4)
    #expect(try test.ledger.check(key: test.key, repair: true).worst == nil)
    #expect(try test.snapshot() == good)
  }
}
