import Diagnostics
import LinuxKit
import TransparencyLog

/// Reads tiles of a ledger and keeps them for the time of one question.
final class TileReader {
  let hasher = MerkleHasher()
  private let folder: String
  private var cache: [Tile: [LogHash]] = [:]

  init(_ folder: String) { self.folder = folder }

  /// The hash of a perfect subtree in the tree of `size` entries.
  func hash(_ subtree: Subtree, size: Int) throws(Problem) -> LogHash {
    let (tile, places) = Tile.holding(subtree, size: size)
    let hashes = try hashes(tile)
    guard places.upperBound <= hashes.count else { throw TileReader.missing(tile) }
    return HashTile.fold(hashes[places], hasher: hasher)
  }

  /// The hashes of a tile.
  func hashes(_ tile: Tile) throws(Problem) -> [LogHash] {
    if let hashes = cache[tile] { return hashes }
    let (bytes, stored) = try load(tile)
    let hashes: [LogHash]
    do { hashes = try HashTile.parse(bytes, width: tile.width, stored: stored) } catch { throw damaged(tile, error) }
    cache[tile] = hashes
    return hashes
  }

  /// The entries of a bundle.
  func entries(_ tile: Tile) throws(Problem) -> [[UInt8]] {
    let (bytes, stored) = try load(tile)
    do {
      return Array(try EntryBundle.parse(bytes, count: stored).prefix(tile.width))
    } catch { throw damaged(tile, error) }
  }

  /// The bytes of a tile and how many places of it are filled, at least those asked for.
  ///
  /// A partial tile goes away when a later batch has filled more of it, so a reader with an older checkpoint goes on
  /// with the full tile or with a wider partial one: all of them begin with the same content.
  func load(_ tile: Tile) throws(Problem) -> (bytes: [UInt8], stored: Int) {
    for _ in 0..<3 {
      if let bytes = try read(tile.path) { return (bytes, tile.width) }
      if tile.isFull { break }
      if let bytes = try read(tile.fullPath) { return (bytes, Tile.fullWidth) }
      let wider = partialWidths(tile).filter { $0 > tile.width }.min()
      if let wider, let bytes = try read("\(tile.partialFolder)/\(wider)") { return (bytes, wider) }
    }
    throw TileReader.missing(tile)
  }

  /// The widths of the partial tiles that are stored at the place of `tile`.
  private func partialWidths(_ tile: Tile) -> [Int] {
    ((try? FileSystem.list("\(folder)/\(tile.partialFolder)")) ?? []).compactMap { Int($0) }
  }

  private func read(_ path: String) throws(Problem) -> [UInt8]? {
    do {
      return try FileSystem.read(
        "\(folder)/\(path)", limit: Tile.fullWidth * (EntryBundle.entryLimit + 2), links: .refused)
    } catch {
      if error.code == "file.missing" { return nil }
      if error.kind == .couldNotRun { throw error }
      throw LedgerProblem.damaged(path, error.message)
    }
  }

  private func damaged(_ tile: Tile, _ problem: Problem) -> Problem {
    LedgerProblem.damaged(tile.path, problem.message)
  }

  private static func missing(_ tile: Tile) -> Problem { LedgerProblem.damaged(tile.path, "the tile is missing") }
}
