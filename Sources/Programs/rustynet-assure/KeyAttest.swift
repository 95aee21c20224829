import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import KeyCustody
import LinuxKit
import StrictJSON
import Wire

extension KeyCommand {
  /// `key attest`.
  struct Attest: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "attest",
      abstract: "Say how a key is kept: in hardware, on a software token, behind a command, or in a file.",
      discussion: """
        hardware is said only of a key in a hardware slot (CKF_HW_SLOT) that was always sensitive and never extractable,
        and whose maker is not known for software tokens. It is the driver's word, not a certificate of the maker.

        Example: rustynet-assure key attest --key 'pkcs11:token=release;object=signer' --passphrase-fd 3 --output key.json
                 rustynet-assure trust add trust.json --principal ada --key-attestation key.json --role builder
        """)

    @OptionGroup var key: KeyOptions
    @Option(help: "Write the attestation here, signed by the key itself.") var output: String?
    @Flag(help: "Print the attestation as JSON.") var json = false

    func run() throws {
      let signer = try key.load()
      let attestation = KeyAttestation(of: signer, at: Host.now())
      if let output {
        let envelope = try Envelope(
          payloadType: KeyAttestation.payloadType, payload: attestation.json.canonical, signedBy: [signer])
        try Output.write(envelope.encoded, to: output)
      }
      guard !json else { return Console.print(attestation.json.canonicalText) }
      Console.print("\(attestation.custody.rawValue) \(attestation.key.id)")
      guard case .token(let token, let attributes) = attestation.place else { return }
      let lines = [
        "manufacturer: \(token.manufacturer)", "model: \(token.model)", "serial: \(token.serial)",
        "label: \(token.label)", "hardware slot: \(token.isHardwareSlot)",
        "always sensitive: \(attributes.isAlwaysSensitive), never extractable: \(attributes.isNeverExtractable)",
        "sensitive: \(attributes.isSensitive), extractable: \(attributes.isExtractable), "
          + "made on the token: \(attributes.isLocal)",
      ]
      for line in lines { Console.print("  \(Printable.oneLine(line))") }
    }
  }
}

extension KeyAttestation {
  /// What can be said of a signer that is at hand.
  init(of signer: any Signer, at time: Timestamp) {
    let place: Place =
      switch signer {
      case let key as TokenKey:
        .token(
          Token(
            manufacturer: key.token.manufacturer, model: key.token.model, serial: key.token.serial,
            label: key.token.label, isHardwareSlot: key.token.isHardwareSlot),
          Attributes(
            isSensitive: key.attributes.isSensitive, isAlwaysSensitive: key.attributes.isAlwaysSensitive,
            isExtractable: key.attributes.isExtractable, isNeverExtractable: key.attributes.isNeverExtractable,
            isLocal: key.attributes.isLocal))
      case is Ed25519.SigningKey: .file
      default: .command
      }
    self.init(key: signer.verificationKey, created: time, place: place)
  }
}

extension Input {
  /// The key in a signed attestation, which that key itself has signed.
  static func attestation(_ path: String) throws(Problem) -> KeyAttestation {
    let signed = try envelope(path)
    do { return try KeyAttestation.verified(signed) } catch { throw error.at(path) }
  }
}
