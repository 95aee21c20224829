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

let package = Package(
  name: "rustynet",
  products: [
    .executable(name: "rustynet-assure", targets: ["AssureProgram"]),
    .executable(name: "rustynet-bench", targets: ["BenchProgram"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
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
    room("Trust", "KeyCustody", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography"]),

    // Layer 3: facts about software and about other people's test vectors.
    room("Assurance", "Vectors", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography"]),

    // Layer 7: the programs.
    program(
      "AssureProgram", folder: "rustynet-assure",
      ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "KeyCustody", argumentParser]),
    program(
      "BenchProgram", folder: "rustynet-bench",
      ["Diagnostics", "LinuxKit", "Cryptography", "Vectors", argumentParser]),

    tests("Wire", ["Diagnostics"]),
    tests("StrictJSON", ["Diagnostics"]),
    tests("Cryptography", ["Diagnostics", "Wire"]),
    tests("Vectors", ["Diagnostics", "LinuxKit"]),
    tests("KeyCustody", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography"]),
  ]
)
