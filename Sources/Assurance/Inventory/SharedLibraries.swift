import Commands
public import Diagnostics
import LinuxKit

/// A library as the loader found it.
public struct LoadedLibrary: Sendable, Hashable {
  /// The name that programs ask for, such as `libsodium.so.23`.
  public let soname: String
  /// Where the loader found it.
  public let path: String
}

/// The shared libraries that a program loads when it starts.
public enum SharedLibraries {
  /// Asks the loader (`ldd`) for the libraries of `binary` and of those libraries in turn.
  ///
  /// `ldd` may run the loader that the file names, so it is used on files of our own build only, never on downloads.
  /// What a program loads later by `dlopen` is not in the answer.
  public static func load(_ binary: String) async throws(Problem) -> [LoadedLibrary] {
    // A name that starts with a dash would be read as an option.
    let result = try await Command("ldd", [try FileSystem.resolve(binary)]).run()
    if !result.status.isSuccess {
      let said = String(decoding: result.errors, as: UTF8.self)
      if said.contains("not a dynamic executable") || result.text.contains("not a dynamic executable") { return [] }
      throw .couldNotRun("inventory.ldd", "ldd ended with \(result.status): \(said.prefix(200))", place: binary)
    }
    do { return try parse(result.text) } catch { throw error.at(binary) }
  }

  /// Reads the output of `ldd`; a line of any other form is malformed, a library that is missing is refused.
  static func parse(_ text: String) throws(Problem) -> [LoadedLibrary] {
    var libraries: [LoadedLibrary] = []
    for line in text.split(separator: "\n") {
      let entry = line.drop { $0 == "\t" || $0 == " " }
      if entry == "statically linked" { continue }
      if entry.hasSuffix(" => not found") {
        let name = entry.dropLast(" => not found".count)
        throw .refused("inventory.library-missing", "the loader does not find “\(name)”")
      }
      guard entry.hasSuffix(")"), let address = entry.range(ofLast: " (0x"),
        entry[address.upperBound...].dropLast().allSatisfy(\.isHexDigit)
      else { throw malformed(line) }
      let found = entry[..<address.lowerBound]
      if let arrow = found.firstRange(of: " => ") {
        let (name, path) = (found[..<arrow.lowerBound], found[arrow.upperBound...])
        guard !name.isEmpty, path.hasPrefix("/") else { throw malformed(line) }
        libraries.append(LoadedLibrary(soname: Path.name(of: String(name)), path: String(path)))
      } else if found.hasPrefix("/") {
        libraries.append(LoadedLibrary(soname: Path.name(of: String(found)), path: String(found)))
      } else if !found.hasPrefix("linux-vdso.so") && !found.hasPrefix("linux-gate.so") {
        // The vdso comes with the kernel and is no file; anything else must have one.
        throw malformed(line)
      }
    }
    return libraries.sorted { $0.soname < $1.soname }
  }

  private static func malformed(_ line: Substring) -> Problem {
    .malformed("inventory.ldd-output", "ldd wrote a line that we cannot read: “\(line)”")
  }
}

extension Substring {
  fileprivate func range(ofLast text: String) -> Range<Index>? { ranges(of: text).last }
}
