import ArgumentParser
import Diagnostics
import Glibc
import KernelTunnel
import LinuxKit
import TunnelBackend
import UAPITunnel
import UserspaceTunnel

/// The backends that move packets. A new one adds its case here; nothing else makes it a backend of the product.
enum ConformanceBackend: String, CaseIterable, ExpressibleByArgument {
  case userspace, kernel, uapi

  /// How to make one; `command` is the daemon that `uapi` drives.
  func maker(command: [String]) -> () throws(Problem) -> any TunnelBackend {
    switch self {
    case .userspace: return { () throws(Problem) in UserspaceBackend() }
    case .kernel: return { () throws(Problem) in KernelBackend() }
    case .uapi: return { () throws(Problem) in UAPIBackend(command: command) }
    }
  }

  /// Throws `lab.…` where this machine cannot run the backend at all, looked at without it.
  func requireHost(command: [String]) throws(Problem) {
    guard Host.effectiveUser == 0 else { throw .couldNotRun("lab.no-root", "namespaces need root") }
    switch self {
    case .kernel:
      let space = try NetworkSpace()
      guard try space.tryIP(["link", "add", "probe0", "type", "wireguard"]) != nil else {
        throw .couldNotRun("lab.no-module", "this kernel has no such device")
      }
    case .userspace, .uapi:
      guard let tun = try? FileDescriptor(opening: "/dev/net/tun", O_RDWR) else {
        throw .couldNotRun("lab.no-tun", "/dev/net/tun cannot be opened")
      }
      _ = tun.number
      guard self == .userspace || command.first.map(Self.isInstalled) ?? false else {
        throw .couldNotRun("lab.no-daemon", "there is no program \(command.first ?? "")")
      }
    }
  }

  private static func isInstalled(_ program: String) -> Bool {
    guard !program.contains("/") else { return FileSystem.status(program) != nil }
    return (Host.environment("PATH") ?? "/usr/bin").split(separator: ":").contains {
      FileSystem.status("\($0)/\(program)") != nil
    }
  }
}
