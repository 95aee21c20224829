import Commands
public import Diagnostics
import LinuxKit

/// The distribution, from `/etc/os-release` (os-release(5)).
public struct OSRelease: Sendable, Hashable {
  /// `ID`, such as `debian`.
  public let id: String
  /// `VERSION_ID`, such as `12`; empty where the distribution has no versions.
  public let version: String
  /// `PRETTY_NAME`, for people.
  public let name: String

  /// `debian-12`, as purl's qualifier `distro` wants it.
  public var distro: String { version.isEmpty ? id : "\(id)-\(version)" }

  /// A distribution by its facts.
  public init(id: String, version: String, name: String) {
    self.id = id
    self.version = version
    self.name = name
  }

  /// Reads the text of the file: `NAME=value` lines, the value perhaps in quotes.
  public init(parsing text: String) throws(Problem) {
    var values: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      values[String(parts[0])] = parts[1].trimmingQuotes
    }
    guard let id = values["ID"], !id.isEmpty else {
      throw .malformed("inventory.os-release", "ID is missing", place: "/etc/os-release", source: "os-release(5)")
    }
    self.init(id: id, version: values["VERSION_ID"] ?? "", name: values["PRETTY_NAME"] ?? id)
  }

  /// The distribution of this machine.
  public static func current() throws(Problem) -> OSRelease {
    try OSRelease(parsing: String(decoding: try FileSystem.read("/etc/os-release", limit: 65_536), as: UTF8.self))
  }
}

extension Substring {
  fileprivate var trimmingQuotes: String {
    guard count >= 2, let first, first == "\"" || first == "'", last == first else { return String(self) }
    return String(dropFirst().dropLast())
  }
}

/// An installed Debian package.
public struct DebianPackage: Sendable, Hashable {
  /// The binary package, such as `libsodium23`.
  public let name: String
  /// Its version.
  public let version: String
  /// Its architecture, such as `amd64`.
  public let architecture: String
  /// The source package that it was built from.
  public let source: String
  /// The version of the source package.
  public let sourceVersion: String

  /// A package by its facts.
  public init(name: String, version: String, architecture: String, source: String, sourceVersion: String) {
    self.name = name
    self.version = version
    self.architecture = architecture
    self.source = source
    self.sourceVersion = sourceVersion
  }
}

/// The database of installed packages, asked through `dpkg` and `dpkg-query`.
public enum DebianDatabase {
  private static let format =
    "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\\n"

  /// The installed packages that match `patterns`; one that matches nothing is passed over.
  public static func installed(_ patterns: [String]) async throws(Problem) -> [DebianPackage] {
    guard !patterns.isEmpty else { return [] }
    let result = try await Command("dpkg-query", ["-W", "-f=\(format)", "--"] + patterns).run()
    // 1 says that some pattern matched nothing.
    guard [.exited(0), .exited(1)].contains(result.status) else {
      throw .couldNotRun("inventory.dpkg", "dpkg-query ended with \(result.status)")
    }
    return try parse(packages: result.text)
  }

  /// Which package each of these files belongs to; files of no package are absent from the answer.
  public static func owners(of paths: [String]) async throws(Problem) -> [String: DebianPackage] {
    guard !paths.isEmpty else { return [:] }
    let spelled = paths.flatMap { spellings(of: $0) }
    let result = try await Command("dpkg", ["-S", "--"] + spelled).run()
    guard [.exited(0), .exited(1)].contains(result.status) else {
      throw .couldNotRun("inventory.dpkg", "dpkg -S ended with \(result.status)")
    }
    let names = try parse(owners: result.text)
    let packages = try await installed(Array(Set(names.values)).sorted())
    var owners: [String: DebianPackage] = [:]
    for path in paths {
      guard let name = spellings(of: path).lazy.compactMap({ names[$0] }).first else { continue }
      let parts = name.split(separator: ":")
      owners[path] = packages.first { $0.name == parts[0] && (parts.count < 2 || $0.architecture == parts[1]) }
    }
    return owners
  }

  /// The spellings of a path before and after `/lib` and its like became links into `/usr`: dpkg knows a file by the
  /// one that its package was built with.
  static func spellings(of path: String) -> [String] {
    for folder in ["lib", "lib32", "lib64", "libx32", "bin", "sbin"] {
      if path.hasPrefix("/usr/\(folder)/") { return [path, String(path.dropFirst(4))] }
      if path.hasPrefix("/\(folder)/") { return [path, "/usr" + path] }
    }
    return [path]
  }

  /// Reads the lines of `dpkg -S`: `package[:architecture][, package…]: path`.
  static func parse(owners text: String) throws(Problem) -> [String: String] {
    var owners: [String: String] = [:]
    for line in text.split(separator: "\n") {
      // dpkg also tells where a file was moved to make room for another: no owner.
      if line.hasPrefix("diversion by ") || line.hasPrefix("local diversion ") { continue }
      guard let colon = line.firstRange(of: ": /") else { throw malformed("dpkg -S", line) }
      let names = line[..<colon.lowerBound].split(separator: ",").map { $0.drop { $0 == " " } }.sorted()
      guard let name = names.first, names.allSatisfy({ !$0.isEmpty && !$0.contains(" ") }) else {
        throw malformed("dpkg -S", line)
      }
      owners["/" + line[colon.upperBound...]] = String(name)
    }
    return owners
  }

  /// Reads the lines that our format asks for; packages that are not installed are passed over.
  static func parse(packages text: String) throws(Problem) -> [DebianPackage] {
    var packages: [DebianPackage] = []
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      if fields.first != "installed", fields.count >= 2 { continue }
      guard fields.count == 6, fields.allSatisfy({ !$0.isEmpty }) else { throw malformed("dpkg-query", line) }
      packages.append(
        DebianPackage(
          name: fields[1], version: fields[2], architecture: fields[3], source: fields[4], sourceVersion: fields[5]))
    }
    return packages.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
  }

  private static func malformed(_ program: String, _ line: Substring) -> Problem {
    .malformed("inventory.dpkg-output", "\(program) wrote a line that we cannot read: “\(line)”")
  }
}
