import Testing

@testable import Inventory

@Suite struct SwiftModulesTests {
  private func found(_ pieces: [[UInt8]]) -> [Bool] {
    var search = SwiftModules.Search(["Foundation", "Yams"])
    for piece in pieces { search.read(piece) }
    return search.isFound
  }

  /// The bytes of a binary, and whether Foundation and Yams are in it.
  static let rows: [(text: String, isFound: [Bool])] = [
    ("x\0Foundation\0y", [true, false]), ("$s10Foundation4DataV", [true, false]), ("$s4Yams\0", [false, true]),
    ("\0Yams\0\0Foundation\0", [true, true]), ("see Foundation for this", [false, false]),
    ("\0Foundation", [false, false]), ("9Foundation", [false, false]), ("\0FoundationEssentials\0", [false, false]),
    ("$s20FoundationEssentials", [false, false]), ("Yams", [false, false]), ("", [false, false]),
  ]

  @Test(arguments: rows) func findsBothForms(_ row: (text: String, isFound: [Bool])) {
    let bytes = Array(row.text.utf8)
    #expect(found([bytes]) == row.isFound)
    // Wherever the file is cut.
    for cut in bytes.indices { #expect(found([Array(bytes[..<cut]), Array(bytes[cut...])]) == row.isFound) }
  }
}
