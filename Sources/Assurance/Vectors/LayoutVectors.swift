import Attestation
import Cryptography
public import Diagnostics
import InTotoLayout
import LinuxKit
import StrictJSON
import Wire

/// The demo material of in-toto: layouts without signature and expiry, links of two functionaries, and their product.
///
/// Each folder with a `.layout.template` is a supply chain. The runner adds `expires`, signs with a key of its own and
/// judges with the links: the chain as it stands must pass, and every change of it be refused by the check that it is
/// about and by no other. Inspections are left out of all cases but one, because nothing here runs a command.
public enum LayoutVectors {
  private static let suffix = ".layout.template"

  /// Judges every supply chain below `path`.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    for folder in try folders(at: path) {
      for name in try FileSystem.list(folder) where name.hasSuffix(suffix) {
        do {
          try LayoutChain(folder: folder, template: "\(folder)/\(name)").judge(id: "\(folder)/\(name)", into: &report)
        } catch { throw error.at("\(folder)/\(name)") }
      }
    }
    return report
  }

  private static func folders(at path: String) throws(Problem) -> [String] {
    guard FileSystem.status(try FileSystem.resolve(path))?.kind == .directory else { return [] }
    var found = [path]
    for name in try FileSystem.list(path) where FileSystem.status("\(path)/\(name)")?.kind == .directory {
      found += try folders(at: "\(path)/\(name)")
    }
    return found
  }
}

/// One supply chain of the corpus, and what is made of it.
private struct LayoutChain {
  static let expires = "2027-01-01T00:00:00Z"

  let form: SignedMetadata.Form
  let template: JSONObject
  let links: LinkFolder
  let owner = Ed25519.SigningKey()
  let stranger = Ed25519.SigningKey()
  let time: Timestamp
  /// What lies in the folder as the product of the last step; nil where there is none.
  let product: (name: String, bytes: [UInt8])?

  init(folder: String, template path: String) throws(Problem) {
    let document = try Corpus.document(of: path)
    let isEnvelope = try document.optional("payload") != nil
    form = isEnvelope ? .dsse : .metablock
    let content =
      isEnvelope
      ? try JSON(parsing: try document.member("payload").base64()) : try document.member("signed").value
    var object = try JSONReader(content).object()
    object["expires"] = .string(LayoutChain.expires)
    template = object
    var links = LinkFolder()
    for name in try FileSystem.list(folder) where name.hasSuffix(".link") {
      links.files.append(LinkFolder.File(name: name, bytes: try Corpus.bytes(of: "\(folder)/\(name)")))
    }
    self.links = links
    time = try Timestamp(LayoutChain.expires).adding(seconds: -1)
    // Where several folders share a product it lies in the first of them.
    product = try LayoutChain.product(of: folder)
  }

  private static func product(of folder: String) throws(Problem) -> (String, [UInt8])? {
    let name = "foo.tar.gz"
    for candidate in ["\(folder)/\(name)", "\(Path.folder(of: folder))/demo_files/\(name)"]
    where FileSystem.status(candidate)?.kind == .regular { return (name, try Corpus.bytes(of: candidate)) }
    return nil
  }

  // MARK: cases

  func judge(id: String, into report: inout VectorReport) throws(Problem) {
    var plain = template
    plain["inspect"] = []
    func judge(_ name: String, _ expected: [String], _ found: () throws(Problem) -> [String]) {
      let codes: [String]
      do throws(Problem) { codes = try found() } catch { codes = [error.code] }
      report.judge(
        "\(id): \(name)", expected: expected.isEmpty ? Answer.accepted : expected.joined(separator: " "),
        found: codes.isEmpty ? Answer.accepted : codes.joined(separator: " "))
    }
    judge("as it stands", []) { () throws(Problem) in try codes(plain) }
    judge("expired", ["layout.expired"]) { () throws(Problem) in try codes(plain, at: time.adding(seconds: 1)) }
    judge("signed by a stranger", ["layout.signature", "signature.first"]) { () throws(Problem) in
      try codes(plain, by: stranger)
    }
    if try !inspections().isEmpty {
      judge("inspections are not run", ["inspection.not-allowed"]) { () throws(Problem) in try codes(template) }
    }
    for (index, file) in links.files.enumerated() {
      judge("without \(file.name)", try without(file)) { () throws(Problem) in
        try codes(plain, links: replacing(index, by: nil))
      }
      judge("changed product in \(file.name)", try failing(["layout.threshold", "link.signature"], file)) {
        () throws(Problem) in try codes(plain, links: replacing(index, by: try changed(file)))
      }
      judge("\(file.name) by a stranger", try failing(["layout.threshold", "link.signature"], file)) {
        () throws(Problem) in try codes(plain, links: replacing(index, by: try resigned(file)))
      }
    }
    for index in try steps().indices {
      judge("threshold of step \(index)", try failing(["layout.threshold"], step: index)) { () throws(Problem) in
        try codes(try raised(plain, step: index))
      }
    }
    try products(plain, judge)
  }

  private func products(
    _ plain: JSONObject, _ judge: (String, [String], () throws(Problem) -> [String]) -> Void
  ) throws(Problem) {
    guard let product else { return }
    let hashes = try verdict(plain).products?.hashes[ExactText(product.name)]
    func code(_ bytes: [UInt8]) throws(Problem) -> [String] {
      guard let hashes else { throw .malformed("vectors.product", "the last step did not make \(product.name)") }
      let check = Products.check(product.name, hashes, found: hashes.digests.map { Digest(of: bytes, $0.algorithm) })
      return check.outcome == .passed ? [] : [check.code]
    }
    judge("final product", []) { () throws(Problem) in try code(product.bytes) }
    judge("changed final product", ["product.digest"]) { () throws(Problem) in try code(product.bytes + [0]) }
  }

  // MARK: what must come of a change

  private func steps() throws(Problem) -> [JSONReader] {
    try JSONReader(.object(template)).member("steps").elements()
  }

  private func inspections() throws(Problem) -> [JSONReader] {
    try JSONReader(.object(template)).member("inspect").elements()
  }

  /// Rules that need the link are not judged, besides what fails; a step without rules that do has none.
  private func failing(_ codes: [String], _ file: LinkFolder.File) throws(Problem) -> [String] {
    try failing(codes, name: String(file.name.prefix { $0 != "." }))
  }

  private func failing(_ codes: [String], step index: Int) throws(Problem) -> [String] {
    try failing(codes, name: try steps()[index].member("name").text())
  }

  private func failing(_ codes: [String], name: String) throws(Problem) -> [String] {
    for step in try steps() {
      let isOwn = try step.member("name").text() == name
      for list in ["expected_materials", "expected_products"] {
        for rule in try step.member(list).elements() {
          let other = try rule.texts().last
          if isOwn || other == name { return (codes + ["rule.no-link"]).sorted() }
        }
      }
    }
    return codes
  }

  private func without(_ file: LinkFolder.File) throws(Problem) -> [String] { try failing(["link.missing"], file) }

  // MARK: changes

  private func replacing(_ index: Int, by file: LinkFolder.File?) -> LinkFolder {
    var folder = links
    if let file { folder.files[index] = file } else { folder.files.remove(at: index) }
    return folder
  }

  /// The link with another first hash among its products, and the signatures that it had.
  private func changed(_ file: LinkFolder.File) throws(Problem) -> LinkFolder.File {
    var (object, content) = try parts(file)
    var products = try content.member("products").object()
    for (path, _) in products.members { products[path] = ["sha256": .string(Digest(of: [0]).hex)] }
    var inner = try content.object()
    inner["products"] = .object(products)
    set(.object(inner), in: &object)
    return LinkFolder.File(name: file.name, bytes: JSON.object(object).canonical)
  }

  /// The same link, signed by a key that the layout does not know.
  private func resigned(_ file: LinkFolder.File) throws(Problem) -> LinkFolder.File {
    let content = try parts(file).content.value
    return LinkFolder.File(name: file.name, bytes: try sign(content, by: stranger))
  }

  private func parts(_ file: LinkFolder.File) throws(Problem) -> (object: JSONObject, content: JSONReader) {
    let document = JSONReader(try JSON(parsing: file.bytes))
    let content =
      form == .dsse ? try JSON(parsing: try document.member("payload").base64()) : try document.member("signed").value
    return (try document.object(), JSONReader(content))
  }

  private func set(_ content: JSON, in object: inout JSONObject) {
    if form == .dsse {
      object["payload"] = .string(Base64.encode(content.canonical))
    } else {
      object["signed"] = content
    }
  }

  private func raised(_ layout: JSONObject, step index: Int) throws(Problem) -> JSONObject {
    var changed: [JSON] = []
    for (position, step) in try steps().enumerated() {
      var object = try step.object()
      if position == index { object["threshold"] = 2 }
      changed.append(.object(object))
    }
    var layout = layout
    layout["steps"] = .array(changed)
    return layout
  }

  // MARK: signing and judging

  private func sign(_ content: JSON, by key: Ed25519.SigningKey) throws(Problem) -> [UInt8] {
    if form == .dsse {
      return Envelope(payloadType: Envelope.statementType, payload: content.canonical, signedBy: [key]).encoded
    }
    let signature = Hex.encode(key.sign(try OLPCCanonicalJSON.encode(content)))
    let document: JSON = [
      "signed": content, "signatures": [["keyid": .string(key.publicKey.id), "sig": .string(signature)]],
    ]
    return document.canonical
  }

  private func verdict(
    _ layout: JSONObject, by signer: Ed25519.SigningKey? = nil, links folder: LinkFolder? = nil,
    at moment: Timestamp? = nil
  ) throws(Problem) -> LayoutJudge.Verdict {
    let metadata = try SignedMetadata(parsing: try sign(.object(layout), by: signer ?? owner))
    return try LayoutJudge(time: moment ?? time, policy: try AlgorithmPolicy()).judge(
      metadata, keys: [try LayoutKey(ed25519: owner.publicKey.bytes)], links: folder ?? links)
  }

  /// The codes of all checks that did not pass, each once, sorted.
  private func codes(
    _ layout: JSONObject, by signer: Ed25519.SigningKey? = nil, links: LinkFolder? = nil, at moment: Timestamp? = nil
  ) throws(Problem) -> [String] {
    let checks = try verdict(layout, by: signer, links: links, at: moment).checks
    return Set(checks.filter { $0.outcome != .passed }.map(\.code)).sorted()
  }
}
