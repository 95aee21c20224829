// swift-tools-version: 6.2
// One manifest for the whole product. Targets stand in the order of the layers in `gates/layers.yaml`: a target may
// import what stands above it here, and the `layers` gate compares both files.
import PackageDescription

/// The settings of every Swift target of ours: unsafe code is spelled out, a warning is an error.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A target that lives in a room of `Sources/`.
func room(_ room: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(room)/\(name)", exclude: [], swiftSettings: strict)
}

/// A program of `Sources/Programs/`.
func program(_ name: String, folder: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: "Sources/Programs/\(folder)", swiftSettings: strict)
}

/// The tests of one target, in `Tests/<Target>Tests`.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, path: "Tests/\(name)Tests",
    swiftSettings: strict)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
  name: "rustynet",
  products: [
    .executable(name: "rustynet-assure", targets: ["AssureProgram"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    // Without its default trait it does not need Foundation.
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    // swift-subprocess speaks in its `FilePath`; named here so that its version is pinned too.
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
  ],
  targets: [
    // Layer 0: the system's libraries.
    .systemLibrary(
      name: "CSodium", path: "Sources/C/CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(
      name: "CCrypto", path: "Sources/C/CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

    // Layer 1: bytes, text and errors.
    room("Base", "Diagnostics"),
    room("Base", "Wire", ["Diagnostics"]),
    room("Base", "StrictJSON", ["Diagnostics", "Wire"]),

    // Layer 2: the operating system and the primitives.
    room("Base", "LinuxKit", ["Diagnostics", "Wire"]),
    room("Trust", "Cryptography", ["Diagnostics", "Wire", "CSodium", "CCrypto"]),

    // Layer 4: adapters to what is outside.
    room("Assurance", "Commands", ["Diagnostics", "Wire", "LinuxKit", "Cryptography", subprocess, systemPackage]),

    // Layer 5: what the assurance toolkit collects, writes and judges.
    room("Assurance", "Inventory", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Commands"]),
    room("Assurance", "SBOM", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Inventory"]),
    room(
      "Assurance", "Provenance",
      ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Commands", "Inventory"]),

    // Layer 7: the programs.
    program(
      "AssureProgram", folder: "rustynet-assure",
      [
        "Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Inventory", "SBOM", "Provenance",
        argumentParser,
      ]),

    tests("Wire", ["Diagnostics"]),
    tests("StrictJSON", ["Diagnostics"]),
    tests("Commands", ["Diagnostics", "LinuxKit", "Cryptography"]),
    tests("Inventory", ["Diagnostics", "Commands", "StrictJSON", "LinuxKit", "Cryptography", "Wire"]),
    tests("SBOM", ["Diagnostics", "StrictJSON", "LinuxKit", "Cryptography", "Wire", "Inventory"]),
    tests("Provenance", ["Diagnostics", "StrictJSON", "LinuxKit", "Cryptography", "Wire", "Inventory"]),
  ]
)
