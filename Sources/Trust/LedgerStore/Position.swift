import Diagnostics
import LinuxKit

/// A hint where the last records of the journal are, so that opening does not read all of it.
///
/// It is written without waiting for the disk and never believed: the record that it names is read and checked. It
/// counts only within the boot that wrote it, for then no tile written without a wait can have been lost either.
struct Position: Equatable {
  let boot: String
  /// How many records there were.
  let size: Int
  /// Where the last of them begins; the end of the header where there is none.
  let start: Int

  static func read(_ path: String) -> Position? {
    guard let boot = Host.boot, let bytes = try? FileSystem.read(path, limit: 256, links: .refused), bytes.last == 0x0a
    else { return nil }
    let parts = String(decoding: bytes.dropLast(), as: UTF8.self).split(
      separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == boot, let size = Int(parts[1]), let start = Int(parts[2]), size >= 0,
      start >= Journal.header.count
    else { return nil }
    return Position(boot: boot, size: size, start: start)
  }

  /// Writes the hint; a failure costs only time at the next opening.
  static func write(_ path: String, size: Int, start: Int) {
    guard let boot = Host.boot else { return }
    do {
      try FileSystem.overwriteRebuildable(Array("\(boot) \(size) \(start)\n".utf8), to: path)
    } catch {
      // A stale hint is checked before use like any other, so nothing has to be done here.
      return
    }
  }
}
