import Attestation
import Diagnostics
import StrictJSON

/// A build type that we know: which external parameters it has, and where it says what was built.
///
/// A parameter that is not known here fails, because it may change what is built (SLSA v1.0, “Verifying artifacts”,
/// step 2: “check that the external parameters are as expected”).
struct BuildType: Sendable {
  /// What may stand at a place of the external parameters.
  indirect enum Shape: Sendable {
    /// Any value: names and values are the caller's, such as the inputs of a workflow.
    case any
    /// An object with no other members than these.
    case members([String: Shape])
  }

  /// Where a build type says what was built and what started it.
  enum Origin: Sendable {
    /// v0.2: started by `configSource`, and the first material is what was built.
    case configSource
    /// `externalParameters.workflow` with `repository`, `ref` and `path`; the commit is in the dependency of that name.
    case workflow
    /// `externalParameters.source` with `uri` and, for the container-based builder, `digest`.
    case sourceParameter
    /// The GitHub context among the internal parameters started it; the first dependency is what was built.
    case context
    /// `externalParameters.buildConfigSource` with `repository`, `ref` and `path`.
    case buildConfigSource
    /// Nothing is known but the first dependency.
    case dependency
  }

  let uris: [String]
  let versions: [SLSAProvenance.Version]
  let parameters: [String: Shape]
  let origin: Origin

  /// Every build type that we know, with the page or the program that defines it.
  static let all: [BuildType] = [
    // slsa-framework/slsa-github-generator: internal/builders/generic and /go; three spellings over its releases.
    BuildType(
      uris: [
        "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
        "https://github.com/slsa-framework/slsa-github-generator@v1",
        "https://github.com/slsa-framework/slsa-github-generator/go@v1",
        "https://github.com/slsa-framework/slsa-github-generator-go@v1",
        "https://github.com/slsa-framework/slsa-github-generator/container@v1",
      ], versions: [.v02], parameters: ["event_inputs": .any], origin: .configSource),
    // The same project, BYOB.md: builders of others run under its delegator.
    BuildType(
      uris: ["https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"], versions: [.v02],
      parameters: ["inputs": .any, "vars": .any], origin: .configSource),
    BuildType(
      uris: ["https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"], versions: [.v1],
      parameters: ["inputs": .any, "vars": .any], origin: .context),
    // https://slsa.dev/container-based-build/v0.1
    BuildType(
      uris: ["https://slsa.dev/container-based-build/v0.1?draft", "https://slsa.dev/container-based-build/v0.1"],
      versions: [.v1],
      parameters: [
        "source": .members(["uri": .any, "digest": .any, "name": .any]),
        "builderImage": .members(["uri": .any, "digest": .any, "name": .any]), "configPath": .any,
        "buildConfig": .members(["ArtifactPath": .any, "Command": .any]),
      ], origin: .sourceParameter),
    // https://actions.github.io/buildtypes/workflow/v1 and the name it had before.
    BuildType(
      uris: [
        "https://actions.github.io/buildtypes/workflow/v1",
        "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
      ], versions: [.v1],
      parameters: [
        "workflow": .members(["ref": .any, "repository": .any, "path": .any]), "inputs": .any, "vars": .any,
      ], origin: .workflow),
    // npm/cli, before it wrote v1.
    BuildType(
      uris: ["https://github.com/npm/cli/gha/v2", "https://github.com/npm/cli/gha@v1"], versions: [.v02],
      parameters: [:], origin: .configSource),
    // https://cloud.google.com/build/gcb-buildtypes/google-worker/v1
    BuildType(
      uris: ["https://cloud.google.com/build/gcb-buildtypes/google-worker/v1"], versions: [.v1],
      parameters: [
        "buildConfigSource": .members(["ref": .any, "repository": .any, "path": .any]), "buildConfig": .any,
        "substitutions": .any,
      ], origin: .buildConfigSource),
    // Our own, documents/specs/provenance.md.
    BuildType(
      uris: ["urn:rustynet:build:swiftpm:v1"], versions: [.v1],
      parameters: ["source": .members(["uri": .any, "ref": .any]), "command": .any, "configuration": .any],
      origin: .sourceParameter),
  ]

  static func named(_ uri: String, _ version: SLSAProvenance.Version) -> BuildType? {
    all.first { type in type.versions.contains(version) && type.uris.contains { $0.isExactly(uri) } }
  }

  /// The parameters that this type does not have, as JSON pointers below the external parameters.
  func unknownParameters(in object: JSONObject) -> [String] {
    BuildType.unknown(object, .members(parameters), at: "")
  }

  private static func unknown(_ object: JSONObject, _ shape: Shape, at pointer: String) -> [String] {
    guard case .members(let known) = shape else { return [] }
    return object.members.flatMap { member -> [String] in
      let place = "\(pointer)/\(JSONPointer.escape(member.key))"
      guard let inner = known.first(where: { $0.key.isExactly(member.key) })?.value else { return [place] }
      switch (member.value, inner) {
      case (.object(let object), _): return unknown(object, inner, at: place)
      // Where members are listed, a list or a text could hold what is not listed.
      case (.null, _), (_, .any): return []
      default: return [place]
      }
    }
  }
}

extension BuildType.Origin {
  typealias Read = (source: SourceReference?, trigger: SourceReference?, entryPoint: String?)

  /// What was built, what started it and by which workflow.
  func read(_ parts: Parts) throws(Problem) -> Read {
    let reader = JSONReader(.object(parts.parameters), pointer: "/predicate/buildDefinition/externalParameters")
    let first = parts.dependencies.first.flatMap { dependency in
      dependency.uri.map { SourceReference(uri: $0, commit: dependency.commit) }
    }
    switch self {
    case .configSource:
      let trigger = parts.configuration.map { SourceReference(uri: $0.uri, commit: $0.commit) }
      return (first ?? trigger, trigger, parts.configuration?.entryPoint)
    case .workflow:
      let workflow = try reader.member("workflow")
      let trigger = SourceReference(
        repository: try workflow.member("repository").token(), ref: try workflow.member("ref").token(), commit: nil)
      return (first, trigger, try workflow.member("path").text(atMost: 2048))
    case .sourceParameter: return try source(reader, parts)
    case .context:
      guard let repository = parts.inner("GITHUB_REPOSITORY") else { return (first, nil, nil) }
      let trigger = SourceReference(
        repository: "https://github.com/\(repository)", ref: parts.inner("GITHUB_REF"),
        commit: parts.inner("GITHUB_SHA"))
      return (first, trigger, parts.inner("GITHUB_WORKFLOW_REF"))
    case .buildConfigSource:
      guard let config = try reader.present("buildConfigSource") else { return (first, nil, nil) }
      let trigger = SourceReference(
        repository: try config.member("repository").token(), ref: try config.present("ref")?.token(), commit: nil)
      return (first ?? trigger, trigger, try config.present("path")?.text(atMost: 2048))
    case .dependency: return (first, nil, nil)
    }
  }

  private func source(_ reader: JSONReader, _ parts: Parts) throws(Problem) -> Read {
    guard let parameter = try reader.present("source"), let uri = try parameter.present("uri")?.token() else {
      return (nil, nil, nil)
    }
    let commit = try parameter.present("digest")?.digestSet()
      .first { ["sha1", "gitCommit"].contains($0.name) && SourceReference.isCommit($0.value) }?.value
    let named = SourceReference(uri: uri, commit: commit)
    let ref = try parameter.present("ref")?.token() ?? named.ref
    let trigger = SourceReference(repository: named.repository, ref: ref, commit: commit)
    let matching = parts.dependencies.first { dependency in
      dependency.uri.map { SourceReference(uri: $0, commit: nil).repository.isExactly(trigger.repository) } ?? false
    }
    let path = try reader.present("configPath")?.text(atMost: 2048)
    guard let matching, let uri = matching.uri else { return (trigger, trigger, path) }
    return (SourceReference(uri: uri, commit: matching.commit), trigger, path)
  }
}
