import Diagnostics
import LinuxKit
import StrictJSON

/// What a judge found in a corpus of test vectors of third parties.
public struct VectorReport: Sendable {
  /// A case on which the corpus and we do not agree, or which we did not judge.
  public struct Failure: Sendable {
    /// Which case: file and number.
    public let id: String
    /// What the corpus says.
    public let expected: String
    /// What we found.
    public let found: String
  }

  /// Cases on which we agree with the corpus.
  public private(set) var agree = 0
  /// Cases on which we do not.
  public private(set) var disagree = 0
  /// Cases that we did not judge; they count as not agreed.
  public private(set) var skipped = 0
  /// Those of `agree` that the corpus wants to be accepted.
  public private(set) var accepted = 0
  /// The cases behind `disagree` and `skipped`, in the order of the corpus.
  public private(set) var failures: [Failure] = []
  /// What else there is to say, one line each; it decides nothing.
  public private(set) var notes: [String] = []

  /// A report without a case.
  public init() {}

  /// All cases.
  public var total: Int { agree + disagree + skipped }

  /// Whether at least `percent` of all cases agree; compared in integers, so that nothing is rounded up.
  public func reaches(percent: Int) -> Bool { agree * 100 >= total * percent }

  /// The last line of `rustynet-bench vectors`: `KIND agree=N disagree=N skipped=N total=N`.
  public func summary(of kind: String) -> String {
    "\(kind) agree=\(agree) disagree=\(disagree) skipped=\(skipped) total=\(total)"
  }

  /// Counts a case that was judged: it agrees when both words are the same.
  public mutating func judge(_ id: String, expected: String, found: String) {
    if expected == found {
      agree += 1
      accepted += expected == Answer.accepted ? 1 : 0
    } else {
      disagree += 1
      failures.append(Failure(id: id, expected: expected, found: found))
    }
  }

  /// Adds a line that decides nothing.
  mutating func note(_ line: String) { notes.append(line) }

  /// Counts a case that we have no judge for.
  public mutating func skip(_ id: String, expected: String, because reason: String) {
    skipped += 1
    failures.append(Failure(id: id, expected: expected, found: "skipped: \(reason)"))
  }
}

/// The words of most corpora.
enum Answer {
  static let accepted = "accepted"
  static let refused = "refused"

  /// The word for a decision.
  static func word(_ isAccepted: Bool) -> String { isAccepted ? accepted : refused }
}

/// The files of a corpus.
enum Corpus {
  /// The largest file that is read.
  static let limits = JSON.Limits(size: 64 << 20, depth: 64, values: 4_000_000)

  /// The `.json` files at `path`: the file itself, or those in the folder at any depth, sorted by their paths.
  ///
  /// A link to a file is that file: some stores lay out a folder as links, and a case must not vanish with them. Links
  /// to folders are not entered, because they can lead in a circle.
  static func files(at path: String) throws(Problem) -> [String] {
    guard let status = FileSystem.status(try FileSystem.resolve(path)) else { return [] }
    guard status.kind == .directory else { return [path] }
    var files: [String] = []
    for name in try FileSystem.list(path) {
      let child = "\(path)/\(name)"
      switch FileSystem.status(child)?.kind {
      case .directory: files += try Corpus.files(at: child)
      case .regular where name.hasSuffix(".json"): files.append(child)
      case .symbolicLink where name.hasSuffix(".json"):
        if FileSystem.status(try FileSystem.resolve(child))?.kind == .regular { files.append(child) }
      default: continue
      }
    }
    return files
  }

  /// The bytes of a file of a corpus.
  static func bytes(of file: String) throws(Problem) -> [UInt8] {
    try FileSystem.read(file, limit: limits.size)
  }

  /// The document in a file of a corpus.
  static func document(of file: String) throws(Problem) -> JSONReader {
    do { return JSONReader(try JSON(parsing: try bytes(of: file), limits: limits)) } catch { throw error.at(file) }
  }
}
