public import Cryptography
public import Diagnostics
import LinuxKit

/// Where a passphrase comes from. Never the command line or an environment variable: other processes can read both.
public enum PassphraseSource: Sendable, Equatable {
  /// An open file descriptor of this process, such as `--passphrase-fd 3`.
  case descriptor(Int32)
  /// A file with mode 0600 or 0400 of the effective user, no symbolic link.
  case file(String)
  /// A credential that systemd placed into `$CREDENTIALS_DIRECTORY` (systemd.exec(5), `LoadCredential=`).
  case credential(String)

  /// The longest passphrase, in bytes.
  public static let sizeLimit = 4096

  /// Reads the passphrase; one newline at its end is cut off, an empty one is refused.
  public func read() throws(Problem) -> SecretBytes {
    switch self {
    case .descriptor(let number): try PassphraseSource.read(descriptor: number)
    case .file(let path): try PassphraseSource.read(from: try Custody.open(path, modes: [0o600, 0o400]))
    case .credential(let name):
      try PassphraseSource.read(credential: name, in: Host.environment("CREDENTIALS_DIRECTORY"))
    }
  }

  private static func read(descriptor number: Int32) throws(Problem) -> SecretBytes {
    guard number == 0 || number >= 3 else {
      throw .usage("passphrase.descriptor", "a passphrase is read from descriptor 0 or from 3 upwards, not \(number)")
    }
    guard !Host.isTerminal(number) else {
      throw .usage(
        "passphrase.terminal", "the passphrase would be shown on the terminal",
        hint: "redirect it from a pipe or a file")
    }
    return try read(from: try FileDescriptor(duplicating: number, path: "passphrase descriptor \(number)"))
  }

  /// The folder and the files in it are made by the service manager, for one service: they belong to root or to the
  /// service's user, and group rights there stand for an access list of that user alone.
  static func read(credential name: String, in folder: String?) throws(Problem) -> SecretBytes {
    guard KeyName.isName(name) else {
      throw .malformed("passphrase.credential", "“\(name)” is not the name of a credential", source: "systemd.exec(5)")
    }
    guard let folder, folder.hasPrefix("/") else {
      throw .malformed(
        "passphrase.credential", "this process has no folder of credentials", source: "systemd.exec(5)",
        hint: "add LoadCredential=\(name):PATH to the service")
    }
    let path = "\(folder)/\(name)"
    let file = try Custody.openRegular(path)
    let status = try file.status()
    guard status.owner == 0 || status.owner == Host.effectiveUser, status.permissions & 0o7037 == 0 else {
      throw .refused(
        "passphrase.credential-mode", "the credential can be changed by others, or read by everyone", place: path,
        source: "P1-13")
    }
    return try read(from: file)
  }

  private static func read(from file: borrowing FileDescriptor) throws(Problem) -> SecretBytes {
    var count = 0
    // Safe: the memory has one byte more than the limit, so that a longer passphrase is noticed and not cut.
    let memory = try unsafe SecretBytes(count: sizeLimit + 1) { memory throws(Problem) in
      count = try unsafe file.read(into: memory, capacity: sizeLimit + 1)
    }
    guard count <= sizeLimit else {
      throw .malformed("passphrase.size", "the passphrase has more than \(sizeLimit) bytes", place: file.path)
    }
    let length = unsafe memory.withBytes { unsafe count > 0 && $0[count - 1] == 0x0a ? count - 1 : count }
    guard length > 0 else { throw .malformed("passphrase.empty", "the passphrase is empty", place: file.path) }
    return unsafe SecretBytes(count: length) { target in
      unsafe memory.withBytes { unsafe target.update(from: $0, count: length) }
    }
  }
}
