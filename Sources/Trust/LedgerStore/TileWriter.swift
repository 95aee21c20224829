import Diagnostics
import LinuxKit
import TransparencyLog

/// Writes the tiles of a batch, without waiting for the disk: all of them can be rebuilt from the journal.
struct TileWriter {
  private let folder: String
  /// The partial tiles of the present checkpoint. One with the same name has the same content, and writing it anew
  /// could only lose it.
  private let present: Set<Tile>

  init(folder: String, present size: Int) {
    self.folder = folder
    present = Set(Tile.partials(size: size))
  }

  /// Adds the entries, which the tree of `edge` has, and writes every tile that they fill and then the partial ones.
  func write(_ entries: [[UInt8]], _ leaves: [LogHash], _ edge: inout LedgerEdge) throws(Problem) {
    for (number, entry) in entries.enumerated() { try edge.fill(entry, leaf: leaves[number], sink: write) }
    try edge.forEachPartial(write)
  }

  private func write(_ tile: Tile, _ bytes: [UInt8]) throws(Problem) {
    if present.contains(tile) { return }
    try FileSystem.writeRebuildable(bytes, to: "\(folder)/\(tile.path)")
  }
}
