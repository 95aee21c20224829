/// Names of key files, credentials and uses.
enum KeyName {
  /// Whether `name` has 1 to `limit` characters of a-z, A-Z, 0-9, `.`, `_`, `-` and starts with a letter or a digit.
  ///
  /// So it is no option, no hidden file, no path, and has one spelling on every file system (P1-13, "Key id charset").
  static func isName(_ name: String, atMost limit: Int = 128) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= limit, isAlphanumeric(first) else { return false }
    return name.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: false
    }
  }
}
