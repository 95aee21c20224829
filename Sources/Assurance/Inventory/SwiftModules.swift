public import Diagnostics
import LinuxKit

/// Which Swift modules a stripped binary holds.
public enum SwiftModules {
  /// Those of `names` that stand in the file.
  ///
  /// A module leaves its name in two forms that stripping keeps, because the runtime needs them: as the text of its
  /// context descriptor, between zero bytes, and behind its length in mangled names (`10Foundation`). Names are ASCII.
  public static func named(_ names: [String], in path: String) throws(Problem) -> [String] {
    var search = Search(names)
    let file = try FileSystem.open(path)
    while true {
      let piece = try file.read(upTo: 1 << 18)
      if piece.isEmpty { break }
      search.read(piece)
    }
    return names.indices.filter { search.isFound[$0] }.map { names[$0] }
  }

  /// Looks through a file piece by piece; a name that lies over the border of two pieces is found.
  struct Search {
    private let names: [[UInt8]]
    /// For each byte the names that begin with it.
    private let starts: [[Int]]
    private let margin: Int
    private var rest: [UInt8] = []
    private(set) var isFound: [Bool]

    init(_ texts: [String]) {
      let names = texts.map { Array($0.utf8) }
      self.names = names
      starts = (0..<256).map { byte in names.indices.filter { names[$0].first == UInt8(byte) } }
      // A name with its three digits before it and the byte behind it.
      margin = (names.map(\.count).max() ?? 0) + 4
      isFound = Array(repeating: false, count: names.count)
    }

    mutating func read(_ piece: [UInt8]) {
      let bytes = rest + piece
      for start in bytes.indices {
        for name in starts[Int(bytes[start])] where !isFound[name] { isFound[name] = holds(bytes, name, at: start) }
      }
      rest = Array(bytes.suffix(margin))
    }

    private func holds(_ bytes: [UInt8], _ index: Int, at start: Int) -> Bool {
      let name = names[index]
      let end = start + name.count
      guard end <= bytes.count, bytes[start..<end].elementsEqual(name) else { return false }
      if start > 0, bytes[start - 1] == 0, end < bytes.count, bytes[end] == 0 { return true }
      return bytes[..<start].suffix(String(name.count).utf8.count).elementsEqual(String(name.count).utf8)
    }
  }
}
