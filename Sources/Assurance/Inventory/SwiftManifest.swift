public import Diagnostics
public import StrictJSON

/// What a package's manifest says of its products and targets (`swift package dump-package`).
///
/// The evaluated manifest is read rather than `swift package describe`, because only the former names the package of a
/// product that a target uses.
public struct SwiftManifest: Sendable {
  /// What a target depends on.
  public enum Dependency: Sendable, Hashable {
    /// A target of the same package.
    case target(String)
    /// A product of another package, by that package's identity.
    case product(String, package: String)
    /// A name that is neither: a product of a package that we cannot tell.
    case unknown(String)
  }

  /// The name of the package.
  public let name: String
  /// The programs, by product name, each with its targets.
  public let programs: [String: [String]]
  /// What each target depends on.
  public let targets: [String: [Dependency]]
  /// The Debian packages that the manifest names as providers of system libraries, sorted.
  public let debianPackages: [String]

  /// Reads the output of `swift package dump-package`.
  public init(_ reader: JSONReader) throws(Problem) {
    name = try reader.member("name").text()
    var programs: [String: [String]] = [:]
    for product in try reader.member("products").elements() where try product.member("type").isExecutable() {
      programs[try product.member("name").text()] = try product.member("targets").texts()
    }
    self.programs = programs
    let readers = try reader.member("targets").elements()
    var names: Set<String> = []
    for target in readers { names.insert(try target.member("name").text()) }
    var packages: Set<String> = []
    for package in try reader.optional("dependencies")?.elements() ?? [] {
      for kind in try package.members() {
        for entry in try kind.value.elements() { packages.insert(try entry.member("identity").text()) }
      }
    }
    var targets: [String: [Dependency]] = [:]
    var debian: Set<String> = []
    for target in readers {
      targets[try target.member("name").text()] =
        try target.member("dependencies").elements().map { (entry) throws(Problem) in
          try SwiftManifest.dependency(entry, targets: names, packages: packages)
        }
      debian.formUnion(try SwiftManifest.debianPackages(target))
    }
    self.targets = targets
    debianPackages = debian.sorted()
  }

  /// The packages that a program links, through all targets that it is made of; nil where no program has that name.
  ///
  /// `isComplete` is false when one of its targets uses a name that the manifest does not explain.
  public func packages(linkedBy program: String) -> (identities: [String], isComplete: Bool)? {
    guard var waiting = programs[program] else { return nil }
    var seen = Set(waiting)
    var (identities, complete) = (Set<String>(), true)
    while let target = waiting.popLast() {
      for dependency in targets[target] ?? [] {
        switch dependency {
        case .target(let name): if seen.insert(name).inserted { waiting.append(name) }
        case .product(_, let package): identities.insert(package)
        case .unknown: complete = false
        }
      }
    }
    return (identities.sorted(), complete)
  }

  private static func dependency(
    _ entry: JSONReader, targets: Set<String>, packages: Set<String>
  ) throws(Problem) -> Dependency {
    for member in try entry.members() {
      let parts = try member.value.elements()
      guard let first = parts.first else { break }
      let name = try first.text()
      switch member.key {
      case "product":
        guard parts.count > 1, case .string(let package) = parts[1].value else { return .unknown(name) }
        return .product(name, package: package.lowercased())
      case "target": return .target(name)
      case "byName":
        if targets.contains(name) { return .target(name) }
        return packages.contains(name.lowercased()) ? .product(name, package: name.lowercased()) : .unknown(name)
      default: continue
      }
    }
    throw entry.problem("inventory.manifest", "this dependency has a form that we do not know")
  }

  private static func debianPackages(_ target: JSONReader) throws(Problem) -> [String] {
    guard let providers = try target.optional("providers"), providers.value != .null else { return [] }
    var names: [String] = []
    for provider in try providers.elements() {
      // Each provider is an object such as {"apt": [["libsodium-dev"]]}.
      for list in try provider.optional("apt")?.elements() ?? [] { names += try list.texts() }
    }
    return names
  }
}

extension JSONReader {
  fileprivate func isExecutable() throws(Problem) -> Bool { try optional("executable") != nil }
}
