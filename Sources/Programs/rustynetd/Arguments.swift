import Diagnostics

/// Options of a verb, read strictly: each at most once, nothing unknown, nothing left over.
struct Arguments {
  private var values: [String: String] = [:]
  private var flags: Set<String> = []

  /// Reads `--name VALUE` for the `options` and `--name` for the `flags`.
  init(_ words: [String], options: [String], flags known: [String]) throws(Problem) {
    var index = 0
    while index < words.count {
      let word = words[index]
      index += 1
      if known.contains(word) {
        guard flags.insert(word).inserted else { throw Arguments.twice(word) }
      } else if options.contains(word) {
        guard index < words.count else { throw .usage("usage.value", "\(word) needs a value") }
        guard values.updateValue(words[index], forKey: word) == nil else { throw Arguments.twice(word) }
        index += 1
      } else {
        throw .usage("usage.argument", "“\(word)” is not known here", hint: (options + known).joined(separator: ", "))
      }
    }
  }

  /// The value of an option that must be there.
  func value(_ name: String) throws(Problem) -> String {
    guard let value = values[name] else { throw .usage("usage.missing", "\(name) is missing") }
    return value
  }

  /// Whether a flag was given.
  func has(_ flag: String) -> Bool { flags.contains(flag) }

  private static func twice(_ word: String) -> Problem { .usage("usage.twice", "\(word) stands twice") }
}
