/// The files with links of one layout, as a program found them, and the folders of its sublayouts.
public struct LinkFolder: Sendable {
  /// A file, by its name.
  public struct File: Sendable {
    /// Its name, such as `package.2f89b927.link`.
    public let name: String
    /// Its bytes.
    public let bytes: [UInt8]

    /// A file.
    public init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  /// The most files that one step may have.
  public static let linksPerStep = 64
  /// How deep sublayouts may nest.
  public static let depth = 8

  /// Files whose names end with `.link`.
  public var files: [File]
  /// Folders by their names: that of a sublayout's file without `.link` (in-toto 1.0 §4.5.2).
  public var folders: [String: LinkFolder]

  /// A folder.
  public init(files: [File] = [], folders: [String: LinkFolder] = [:]) {
    self.files = files
    self.folders = folders
  }

  /// The files of a step, sorted by name: `STEP.HINT.link`, with any hint that has no dot.
  ///
  /// The hint should be the beginning of the key's id (§4.4); which key signed is found out from the signature.
  func files(of step: String) -> [File] {
    let head = Array((step + ".").utf8)
    let tail = Array(".link".utf8)
    return files.filter { file in
      let name = Array(file.name.utf8)
      guard name.count > head.count + tail.count, name.starts(with: head), name.suffix(tail.count).elementsEqual(tail)
      else { return false }
      return !name[head.count..<(name.count - tail.count)].contains(UInt8(ascii: "."))
    }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
