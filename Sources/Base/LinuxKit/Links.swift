public import Diagnostics
import Glibc

extension FileSystem {
  /// The text of a symbolic link, as it is stored; nothing is resolved.
  public static func target(ofLink path: String) throws(Problem) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let capacity = buffer.count
    // Safe: the kernel writes at most `capacity` bytes into the array, which is alive for the call.
    let count = try checked("readlink", path) { unsafe readlink(path, &buffer, capacity) }
    guard count < capacity else { throw .malformed("file.link-length", "the link's text is too long", place: path) }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
