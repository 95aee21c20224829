import Commands
public import Diagnostics
import LinuxKit
import StrictJSON

/// The Swift compiler of this machine.
public struct SwiftToolchain: Sendable {
  /// The release, such as `6.3.1`.
  public let version: String
  /// The compiler's own line, such as `Swift version 6.3.1 (swift-6.3.1-RELEASE)`.
  public let description: String
  /// The target triple.
  public let target: String
  /// The folder above `bin` and `lib`.
  public let folder: String
  /// The compiler itself: `swiftc` is a driver that starts `swift-frontend` for every file.
  public let frontend: FileFacts

  /// A toolchain by its facts.
  public init(version: String, description: String, target: String, folder: String, frontend: FileFacts) {
    self.version = version
    self.description = description
    self.target = target
    self.folder = folder
    self.frontend = frontend
  }

  /// Asks the `swiftc` of `PATH`, and hashes its frontend.
  public static func current() async throws(Problem) -> SwiftToolchain {
    let output = try await Command("swiftc", ["-print-target-info"], seconds: 60).runChecked().output
    let (description, target, resources) = try JSON.decode(output) { (reader) throws(Problem) in
      (
        try reader.member("compilerVersion").text(atMost: 256),
        try reader.member("target").member("unversionedTriple").token(),
        try reader.member("paths").member("runtimeResourcePath").text(atMost: 4096)
      )
    }
    // …/usr/lib/swift
    let folder = Path.folder(of: Path.folder(of: try FileSystem.resolve(resources)))
    return SwiftToolchain(
      version: try version(in: description), description: description, target: target, folder: folder,
      frontend: try FileFacts(reading: "\(folder)/bin/swift-frontend"))
  }

  /// The release in the compiler's own line.
  static func version(in description: String) throws(Problem) -> String {
    let words = description.split(separator: " ")
    guard let place = words.firstIndex(of: "version"), place + 1 < words.count,
      words[place + 1].allSatisfy({ $0.isASCII && ($0.isNumber || $0.isLetter || ".-".contains($0)) })
    else { throw .malformed("inventory.swift-version", "no version stands in “\(description)”") }
    return String(words[place + 1])
  }
}
