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

/// A target that lives in a room of `Sources/`; `exclude` names folders in it that are no Swift.
func room(
  _ room: String, _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(room)/\(name)", exclude: exclude, swiftSettings: strict)
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
    .executable(name: "rustynet", targets: ["RustynetProgram"]),
    .executable(name: "rustynet-assure", targets: ["AssureProgram"]),
    .executable(name: "rustynet-bench", targets: ["BenchProgram"]),
    .executable(name: "rustynetd", targets: ["DaemonProgram"]),
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
    .systemLibrary(name: "CYAML", path: "Sources/C/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CMnl", path: "Sources/C/CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
    .systemLibrary(
      name: "CSSL", path: "Sources/C/CSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    // Its header alone, without pkg-config, which would link libp11-kit: a driver is loaded when a key is on a token.
    .systemLibrary(name: "CPKCS11", path: "Sources/C/CPKCS11", providers: [.apt(["libp11-kit-dev"])]),

    // What Linux offers a packet path and the module Glibc does not: a header, and a file of wrappers.
    .target(name: "CLinux", path: "Sources/C/CLinux", cSettings: [.define("_GNU_SOURCE")]),

    // Layer 1: bytes, text and errors.
    room("Base", "Diagnostics"),
    room("Base", "Wire", ["Diagnostics"]),
    room("Base", "StrictJSON", ["Diagnostics", "Wire"]),
    room("Base", "NetworkTypes", ["Diagnostics"]),
    room("Base", "HuJSON", ["Diagnostics", "StrictJSON"]),

    // Layer 2: the operating system and the primitives.
    room("Base", "NetlinkKit", ["Diagnostics", "NetworkTypes", "CMnl"]),
    room("Base", "LinuxKit", ["Diagnostics", "Wire", "NetworkTypes", "CLinux"]),
    room("Base", "TLSClient", ["Diagnostics", "CSSL"]),
    room("Trust", "Cryptography", ["Diagnostics", "Wire", "CSodium", "CCrypto"]),
    room("Trust", "X509", ["Diagnostics", "Wire", "Cryptography", "CCrypto"]),
    room("Trust", "KeyCustody", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "CPKCS11"]),

    // Layer 3: pure rules, without files, sockets and clocks.
    room("Trust", "Attestation", ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "X509"]),
    room("Trust", "TransparencyLog", ["Diagnostics", "Wire", "Cryptography"]),
    room("Trust", "ForeignSignatures", ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "Attestation"]),

    room("Trust", "SupplyChain", ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "Attestation"]),

    room(
      "Trust", "Sigstore",
      ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "X509", "Attestation", "TransparencyLog"]),

    room("Trust", "InTotoLayout", ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "Attestation"]),

    room("Tunnel", "TunnelBackend", ["Diagnostics", "NetworkTypes", "Cryptography"]),
    room("Tunnel", "WireGuard", ["Diagnostics", "Wire", "NetworkTypes", "Cryptography"]),
    room("Node", "Authorization", ["Diagnostics", "Wire", "StrictJSON", "NetworkTypes"], exclude: ["Roles"]),
    room("Node", "NetworkPolicy", ["Diagnostics", "StrictJSON", "HuJSON", "NetworkTypes"]),
    room("Node", "DNS", ["Diagnostics", "StrictJSON", "HuJSON", "NetworkTypes", "Cryptography"]),

    // Layer 4: adapters to what is outside.
    room(
      "Tunnel", "TunnelDriver",
      ["Diagnostics", "LinuxKit", "NetworkTypes", "NetlinkKit", "Cryptography", "TunnelBackend", "WireGuard"]),
    room(
      "Tunnel", "KernelTunnel",
      [
        "Diagnostics", "LinuxKit", "NetworkTypes", "NetlinkKit", "Cryptography", "TunnelBackend", "WireGuard",
        "TunnelDriver", "CMnl",
      ]),
    room(
      "Tunnel", "UAPITunnel",
      ["Diagnostics", "LinuxKit", "NetworkTypes", "NetlinkKit", "TunnelBackend", "WireGuard", "TunnelDriver"]),
    room("Trust", "LedgerStore", ["Diagnostics", "TransparencyLog", "LinuxKit"]),
    // The packet path: exclusivity checks of stored properties are left out, as each belongs to one thread; the rules
    // that replace them stand in Path/HotState.swift.
    .target(
      name: "UserspaceTunnel",
      dependencies: [
        "Diagnostics", "NetworkTypes", "LinuxKit", "Cryptography", "TunnelBackend", "WireGuard", "NetlinkKit",
        "TunnelDriver", "CLinux", "CCrypto",
      ],
      path: "Sources/Tunnel/UserspaceTunnel",
      swiftSettings: strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"])]),
    room("Node", "AuthorizationFiles", ["Diagnostics", "LinuxKit", "Authorization"]),
    room("Node", "DNSService", ["Diagnostics", "NetworkTypes", "LinuxKit", "TLSClient", "DNS"]),
    room("Assurance", "Commands", ["Diagnostics", "LinuxKit", "Cryptography", subprocess, systemPackage]),

    room(
      "Assurance", "Vectors",
      [
        "Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Attestation", "TransparencyLog", "Sigstore",
        "SupplyChain", "InTotoLayout", "HuJSON", "NetworkTypes", "Authorization", "NetworkPolicy",
      ]),

    // Layer 5: what the assurance toolkit collects, writes and judges.
    room("Assurance", "Inventory", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Commands"]),
    room("Assurance", "SBOM", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Inventory"]),
    room(
      "Assurance", "Provenance",
      ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Attestation", "Inventory"]),

    // Layer 6: the verdict, and the pack that proves it.
    room(
      "Assurance", "Gates",
      [
        "Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Attestation", "Commands", "Inventory",
        "SBOM", "Provenance", "CYAML",
      ]),
    room(
      "Assurance", "Evidence",
      [
        "Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Attestation", "TransparencyLog",
        "LedgerStore", "Commands", "Inventory", "SBOM", "Provenance", "Gates",
      ]),

    // Layer 7: the programs, and how those with an argument parser begin and end.
    room("Programs", "ProgramEntry", ["Diagnostics", "LinuxKit", argumentParser]),
    program(
      "RustynetProgram", folder: "rustynet",
      [
        "Diagnostics", "Wire", "StrictJSON", "HuJSON", "NetworkTypes", "LinuxKit", "Authorization",
        "AuthorizationFiles", "NetworkPolicy", "ProgramEntry", argumentParser,
      ]),

    program(
      "AssureProgram", folder: "rustynet-assure",
      [
        "Diagnostics",
        "Wire",
        "StrictJSON",
        "LinuxKit",
        "Cryptography",
        "X509",
        "KeyCustody",
        "Attestation",
        "TransparencyLog",
        "SupplyChain",
        "Sigstore",
        "ForeignSignatures",
        "InTotoLayout",
        "LedgerStore",
        "Commands",
        "Inventory",
        "SBOM",
        "Provenance",
        "Gates",
        "Evidence",
        "ProgramEntry",
        argumentParser,
      ]),

    program(
      "BenchProgram", folder: "rustynet-bench",
      [
        "Diagnostics", "Wire", "StrictJSON", "NetworkTypes", "LinuxKit", "Cryptography", "X509", "Attestation",
        "Sigstore", "TransparencyLog", "LedgerStore", "Vectors", "CLinux", "TunnelBackend", "WireGuard", "KernelTunnel",
        "UAPITunnel", "UserspaceTunnel", "Authorization", "HuJSON", "NetworkPolicy", "DNS", "ProgramEntry",
        argumentParser,
      ]),

    program(
      "DaemonProgram", folder: "rustynetd", ["Diagnostics", "LinuxKit", "UserspaceTunnel", "DNS", "DNSService"]),

    // What several tests share. A test target too, so that no program can import it and no layer has to hold it.
    .testTarget(
      name: "TestSupport", dependencies: ["Diagnostics", "Wire", "StrictJSON", "Cryptography"],
      path: "Tests/TestSupport", swiftSettings: strict),

    tests("Wire", ["Diagnostics"]),
    tests("StrictJSON", ["Diagnostics"]),
    tests("NetworkTypes", ["Diagnostics"]),
    tests("TunnelBackend", ["Diagnostics", "NetworkTypes", "LinuxKit", "Cryptography"]),
    tests("NetlinkKit", ["Diagnostics", "NetworkTypes", "CMnl"]),
    tests(
      "TunnelDriver", ["Diagnostics", "NetworkTypes", "NetlinkKit", "Cryptography", "TunnelBackend", "WireGuard"]),
    tests(
      "KernelTunnel",
      ["Diagnostics", "NetworkTypes", "NetlinkKit", "Cryptography", "TunnelBackend", "WireGuard", "CMnl"]),
    tests("WireGuard", ["Diagnostics", "Wire", "NetworkTypes", "Cryptography"]),
    tests("HuJSON", ["Diagnostics", "StrictJSON"]),
    tests("NetworkPolicy", ["Diagnostics", "StrictJSON", "NetworkTypes"]),
    tests("DNS", ["Diagnostics", "NetworkTypes"]),
    tests("X509", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Commands"]),
    tests("KeyCustody", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography"]),
    tests("Cryptography", ["Diagnostics", "Wire"]),
    tests("Attestation", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "X509", "TestSupport"]),
    tests(
      "SupplyChain",
      ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "Attestation", "LinuxKit", "TestSupport"]),
    tests("Sigstore", ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "X509", "Attestation", "LinuxKit"]),
    tests("ForeignSignatures", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Attestation"]),
    tests("TransparencyLog", ["Diagnostics", "Wire", "Cryptography", "LinuxKit", "Vectors"]),
    tests("InTotoLayout", ["Diagnostics", "Wire", "StrictJSON", "Cryptography", "Attestation", "TestSupport"]),
    tests(
      "UserspaceTunnel",
      ["Diagnostics", "NetworkTypes", "Cryptography", "WireGuard", "CLinux", "CCrypto", "LinuxKit", "StrictJSON"]),
    tests("Authorization", ["Diagnostics", "StrictJSON", "LinuxKit"]),
    tests("AuthorizationFiles", ["Diagnostics", "LinuxKit", "Authorization"]),
    tests("LedgerStore", ["Diagnostics", "Cryptography", "TransparencyLog", "LinuxKit"]),
    tests(
      "Vectors",
      ["Diagnostics", "StrictJSON", "LinuxKit", "Cryptography", "Attestation", "Sigstore", "NetworkPolicy"]),
    tests("Commands", ["Diagnostics", "LinuxKit", "Cryptography"]),
    tests("Inventory", ["Diagnostics", "Commands", "StrictJSON", "LinuxKit", "Cryptography"]),
    tests("SBOM", ["Diagnostics", "StrictJSON", "LinuxKit", "Cryptography", "Wire", "Inventory"]),
    tests("Provenance", ["Diagnostics", "StrictJSON", "Cryptography", "Wire", "Inventory"]),
    tests("Gates", ["Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Attestation", "TestSupport"]),
    tests(
      "Evidence",
      [
        "Diagnostics", "Wire", "StrictJSON", "LinuxKit", "Cryptography", "Attestation", "TransparencyLog", "Gates",
        "TestSupport",
      ]),
  ]
)

// A fuzz target has no main function, so it is declared on demand only: scripts/fuzz.
if Context.environment["RUSTYNET_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "Diagnostics",
        "Wire",
        "StrictJSON",
        "LinuxKit",
        "Cryptography",
        "X509",
        "KeyCustody",
        "Attestation",
        "TransparencyLog",
        "SupplyChain",
        "Sigstore",
        "ForeignSignatures",
        "InTotoLayout",
        "NetlinkKit",
        "WireGuard",
        "KernelTunnel",
        "Authorization",
        "DNS",
        "Gates",
        "Evidence",
        "NetworkTypes",
        "HuJSON",
        "NetworkPolicy",
        "UserspaceTunnel",
      ],
      path: "Tests/Fuzz", exclude: ["Corpus", "corpus.py"],
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
