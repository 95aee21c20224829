public import Diagnostics

/// The name of a tile or an entry bundle (C2SP tlog-tiles): level, index, and how many of its 256 places are filled.
public struct Tile: Hashable, Sendable {
  /// What is stored: hashes of a level, or the entries themselves.
  public enum Kind: Hashable, Sendable {
    /// Hashes of subtrees of height `8 * level`.
    case hashes(level: Int)
    /// The entries, each with its length before it.
    case entries
  }

  /// A full tile has this many places.
  public static let fullWidth = 256
  /// A level of tiles stands for this many levels of the tree.
  static let height = 8
  /// The highest level; one more would hold more than 2^63 entries.
  static let levelLimit = 7

  /// What is stored.
  public let kind: Kind
  /// The number of the tile in its level, from the left.
  public let index: Int
  /// How many places are filled, 1 to 256.
  public let width: Int

  /// Names a tile.
  public init(_ kind: Kind, index: Int, width: Int = Tile.fullWidth) {
    self.kind = kind
    self.index = index
    self.width = width
  }

  /// Whether all places are filled; such a tile never changes again.
  public var isFull: Bool { width == Tile.fullWidth }

  /// The path below the folder of the log, such as `tile/0/x001/x234/067` or `tile/entries/000.p/17`.
  public var path: String { isFull ? fullPath : "\(partialFolder)/\(width)" }

  /// The path of the full tile.
  public var fullPath: String {
    var path = Tile.digits(index % 1000)
    var rest = index / 1000
    while rest > 0 {
      path = "x\(Tile.digits(rest % 1000))/\(path)"
      rest /= 1000
    }
    switch kind {
    case .hashes(let level): return "tile/\(level)/\(path)"
    case .entries: return "tile/entries/\(path)"
    }
  }

  /// The folder of the partial tiles with this index.
  public var partialFolder: String { "\(fullPath).p" }

  /// Reads a path; only the one spelling that `path` gives is accepted.
  public init(path: String) throws(Problem) {
    var parts = path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false).map { String(Substring($0)) }
    var width = Tile.fullWidth
    if parts.count > 2, parts[parts.count - 2].utf8.suffix(2).elementsEqual(".p".utf8) {
      guard let number = Decimal.parse(parts.removeLast()) else { throw Tile.malformed(path) }
      width = number
      parts[parts.count - 1].removeLast(2)
    }
    guard parts.count >= 3, parts[0] == "tile", (1...Tile.fullWidth).contains(width) else { throw Tile.malformed(path) }
    let kind: Kind
    if parts[1] == "entries" {
      kind = .entries
    } else {
      guard let level = Decimal.parse(parts[1]), level <= Tile.levelLimit else { throw Tile.malformed(path) }
      kind = .hashes(level: level)
    }
    var index = 0
    for part in parts.dropFirst(2) {
      let digits = part.hasPrefix("x") ? part.dropFirst() : part[...]
      let (product, overflow) = index.multipliedReportingOverflow(by: 1000)
      guard !overflow, let number = Int(digits), (0..<1000).contains(number), product <= Int.max - number else {
        throw Tile.malformed(path)
      }
      index = product + number
    }
    self.init(kind, index: index, width: width)
    // One comparison replaces a list of rules: three digits each, x before all but the last, no leading zero group.
    guard self.path.utf8.elementsEqual(path.utf8) else { throw Tile.malformed(path) }
  }

  /// The number of hash tile levels that a tree of `size` entries has.
  public static func levels(size: Int) -> Int {
    var levels = 0
    var count = size
    while count > 0 {
      levels += 1
      count >>= height
    }
    return levels
  }

  /// The right-most tile of each level with its width, where it is partial, and the entry bundle likewise.
  public static func partials(size: Int) -> [Tile] {
    var tiles: [Tile] = []
    for level in 0..<levels(size: size) {
      let count = size >> (level * height)
      let width = count % fullWidth
      guard width > 0 else { continue }
      if level == 0 { tiles.append(Tile(.entries, index: count / fullWidth, width: width)) }
      tiles.append(Tile(.hashes(level: level), index: count / fullWidth, width: width))
    }
    return tiles
  }

  /// The tile with the hashes of `subtree` in a tree of `size` entries, and the places of its hashes there.
  public static func holding(_ subtree: Subtree, size: Int) -> (tile: Tile, places: Range<Int>) {
    let level = subtree.height / height
    let span = subtree.height % height
    let first = subtree.index << span
    let index = first / fullWidth
    let width = min(fullWidth, (size >> (level * height)) - index * fullWidth)
    let place = first % fullWidth
    return (Tile(.hashes(level: level), index: index, width: width), place..<place + 1 << span)
  }

  private static func digits(_ value: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: 3 - digits.utf8.count) + digits
  }

  private static func malformed(_ path: String) -> Problem {
    .malformed("tile.path", "“\(path.prefix(80))” is not the path of a tile", source: "C2SP tlog-tiles")
  }
}
