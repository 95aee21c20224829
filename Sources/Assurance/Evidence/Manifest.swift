public import Attestation
public import Cryptography
public import Diagnostics
public import StrictJSON
public import Wire

/// What a pack holds, member by member; signed by the builder, it binds every byte of the pack.
public struct Manifest: Sendable {
  /// The media type of a signed manifest.
  public static let payloadType = "application/vnd.rustynet.evidence-pack.v1+json"
  /// Where it stands in the pack.
  public static let name = "manifest.json"
  static let type = "rustynet-evidence-pack/v1"

  /// One member: its name, its length in bytes and its digest.
  public struct Entry: Sendable, Equatable {
    let name: String
    let size: Int64
    let digest: Digest
  }

  /// What the pack is for.
  public let profile: Profile
  /// When it was packed.
  public let created: Timestamp
  /// Every other member, sorted by name.
  public let entries: [Entry]

  /// The manifest of these members.
  public init(profile: Profile, created: Timestamp, members: [Container.Member]) {
    self.profile = profile
    self.created = created
    entries = members.sorted { $0.name < $1.name }.map {
      Entry(name: $0.name, size: Int64($0.bytes.count), digest: Digest(of: $0.bytes))
    }
  }

  /// Reads the payload of a signed manifest.
  public init(parsing payload: [UInt8]) throws(Problem) {
    self = try JSON.decode(payload, limits: JSON.Limits(size: 1 << 20)) { reader throws(Problem) in
      try Manifest(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("type", "profile", "created", "members")
    let type = try reader.member("type").token()
    guard type == Manifest.type else {
      throw reader.problem("pack.type", "“\(type)” is not a pack that we read", source: "P1-15")
    }
    profile = try reader.member("profile").choice(Profile.self)
    created = try reader.member("created").timestamp()
    var entries: [Entry] = []
    for element in try reader.member("members").elements(atMost: Container.memberLimit) {
      try element.closed("name", "size", "digest")
      entries.append(
        Entry(
          name: try element.member("name").token(atMost: 99), size: try element.member("size").integer(),
          digest: try element.member("digest").digest()))
    }
    self.entries = entries
  }

  /// The manifest as JSON, in the form that is signed.
  public var json: JSON {
    [
      "type": .string(Manifest.type), "profile": .string(profile.rawValue), "created": .string(created.description),
      "members": .array(
        entries.map { entry in
          [
            "name": .string(entry.name), "size": .integer(entry.size), "digest": .string(entry.digest.description),
          ]
        }),
    ]
  }

  /// A pack of `members`, with their manifest signed by `key`.
  ///
  /// The signature carries no key id: a hint is not signed, and every byte of a pack must be.
  public static func pack(
    _ members: [Container.Member], profile: Profile, created: Timestamp, key: any Signer
  ) throws(Problem) -> [UInt8] {
    let manifest = Manifest(profile: profile, created: created, members: members)
    let envelope = try Envelope(
      payloadType: payloadType, payload: manifest.json.canonical, signedBy: [key], hints: false)
    return try Container.encode(members + [Container.Member(name: name, bytes: envelope.encoded)])
  }

  /// A check for each way in which `members` differ from this manifest, or one that says that they do not.
  func compare(with members: [Container.Member]) -> [Check] {
    let source = "documents/specs/evidence-pack.md"
    var checks: [Check] = []
    let found = Manifest(profile: profile, created: created, members: members).entries
    for entry in entries where !found.contains(entry) {
      let other = found.first { $0.name == entry.name }
      checks.append(
        .failed(
          "member.\(entry.name)", other == nil ? "pack.missing" : "pack.digest",
          other == nil ? "a member of the manifest is missing" : "a member is not what the manifest says",
          expected: entry.digest.description, found: other?.digest.description ?? "nothing", source: source))
    }
    for entry in found where !entries.contains(where: { $0.name == entry.name }) {
      checks.append(
        .failed(
          "member.\(entry.name)", "pack.surplus", "a member stands in no manifest", found: entry.name, source: source))
    }
    return checks.isEmpty
      ? [.passed("members", "every member is what the manifest says", found: "\(found.count) members", source: source)]
      : checks
  }
}
