import Diagnostics
import Testing
import TransparencyLog

@Suite struct TileTests {
  static let paths: [(tile: Tile, path: String)] = [
    (Tile(.hashes(level: 0), index: 0), "tile/0/000"), (Tile(.hashes(level: 0), index: 0, width: 1), "tile/0/000.p/1"),
    (Tile(.hashes(level: 1), index: 999, width: 255), "tile/1/999.p/255"),
    (Tile(.hashes(level: 2), index: 1000), "tile/2/x001/000"),
    (Tile(.entries, index: 1_234_067), "tile/entries/x001/x234/067"),
    (Tile(.entries, index: 1_234_067, width: 8), "tile/entries/x001/x234/067.p/8"),
    (Tile(.hashes(level: 7), index: 5), "tile/7/005"),
  ]

  @Test(arguments: paths) func spellsPaths(vector: (tile: Tile, path: String)) throws {
    #expect(vector.tile.path == vector.path)
    #expect(try Tile(path: vector.path) == vector.tile)
  }

  @Test(arguments: [
    "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/0/x000/000", "tile/0/001/000", "tile/0/x001",
    "tile/8/000", "tile/00/000", "tile/-1/000", "tile/0/000.p", "tile/0/000.p/0", "tile/0/000.p/256",
    "tile/0/000.p/01", "tile/0/000.p/1/2", "tile/0/-01", "tile/0/+01", "Tile/0/000", "tile/Entries/000",
    "/tile/0/000", "tile/0/000/", "tile/0/../000", "tile/0/\u{661}00",
    "tile/entries/x999/x999/x999/x999/x999/x999/x999/999",
  ])
  func refusesOtherPaths(path: String) {
    let error = #expect(throws: Problem.self) { try Tile(path: path) }
    #expect(error?.code == "tile.path")
  }

  static let partials: [(size: Int, paths: [String])] = [
    (0, []), (1, ["tile/entries/000.p/1", "tile/0/000.p/1"]), (255, ["tile/entries/000.p/255", "tile/0/000.p/255"]),
    (256, ["tile/1/000.p/1"]), (257, ["tile/entries/001.p/1", "tile/0/001.p/1", "tile/1/000.p/1"]),
    (65_536, ["tile/2/000.p/1"]),
    (70_000, ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]),
  ]

  @Test(arguments: partials) func namesTheRightEdge(vector: (size: Int, paths: [String])) {
    #expect(Tile.partials(size: vector.size).map(\.path) == vector.paths)
  }

  @Test func findsSubtreesInTiles() {
    let first = Tile.holding(Subtree(height: 0, index: 300), size: 70_000)
    #expect(first.tile == Tile(.hashes(level: 0), index: 1) && first.places == 44..<45)
    let inner = Tile.holding(Subtree(height: 11, index: 33), size: 70_000)
    #expect(inner.tile == Tile(.hashes(level: 1), index: 1, width: 17) && inner.places == 8..<16)
    let top = Tile.holding(Subtree(height: 16, index: 0), size: 70_000)
    #expect(top.tile == Tile(.hashes(level: 2), index: 0, width: 1) && top.places == 0..<1)
  }

  @Test func readsHashTilesOfOneLengthOnly() throws {
    let hashes = (0..<5).map { MerkleTree.leafHash([UInt8($0)]) }
    let bytes = HashTile.serialise(hashes)
    #expect(bytes.count == 160)
    #expect(try HashTile.parse(bytes, width: 5, stored: 5) == hashes)
    #expect(try HashTile.parse(bytes, width: 3, stored: 5) == Array(hashes[..<3]))
    for (bytes, width, stored) in [
      (bytes, 5, 4), (bytes, 5, 6), (Array(bytes.dropLast()), 5, 5), (bytes + [0], 5, 5), (bytes, 6, 5), ([], 1, 1),
    ] {
      let error = #expect(throws: Problem.self) { try HashTile.parse(bytes, width: width, stored: stored) }
      #expect(error?.code == "tile.length")
    }
  }

  @Test func readsBundlesOfExactlyTheExpectedEntries() throws {
    let entries: [[UInt8]] = [[1], [2, 3], [UInt8](repeating: 7, count: 65_535)]
    var bytes: [UInt8] = []
    for entry in entries { EntryBundle.append(entry, to: &bytes) }
    #expect(Array(bytes[..<7]) == [0, 1, 1, 0, 2, 2, 3])
    #expect(try EntryBundle.parse(bytes, count: 3) == entries)
    for (bytes, count) in [
      (bytes, 2), (bytes, 4), (Array(bytes.dropLast()), 3), (bytes + [0], 3), (bytes + [0, 0], 4), ([], 1), ([0], 1),
      ([0, 2, 1], 1),
    ] {
      let error = #expect(throws: Problem.self) { try EntryBundle.parse(bytes, count: count) }
      #expect(error?.code == "tile.entries")
    }
  }
}
