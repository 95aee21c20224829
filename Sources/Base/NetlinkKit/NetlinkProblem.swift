import CMnl
import Diagnostics
import Glibc

/// What the kernel refuses, as typed problems: the code says what sort of refusal, the message has the kernel's own words.
enum NetlinkProblem {
  /// The problem of an error number; `words` is the text of the extended acknowledgement, if there is one.
  static func refusal(_ number: Int32, of action: String, words: String? = nil) -> Problem {
    // Safe: strerror returns a string of the C library, and it is copied at once.
    let reason = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    let message = "\(action): \(reason)" + (words.map { ": \($0)" } ?? "")
    switch number {
    case EPERM, EACCES:
      return .refused("netlink.permission", message, hint: "run as root, or with CAP_NET_ADMIN")
    case EEXIST: return .refused("netlink.exists", message)
    case ENODEV, ENOENT, ESRCH, ENXIO, EADDRNOTAVAIL: return .refused("netlink.missing", message)
    case EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT: return .refused("netlink.unsupported", message)
    case EINVAL, ERANGE, EMSGSIZE, ENAMETOOLONG: return .malformed("netlink.invalid", message)
    case EADDRINUSE: return .refused("netlink.address-in-use", message)
    case EBUSY, ENOBUFS, ENOMEM, EAGAIN: return .couldNotRun("netlink.busy", message)
    default: return .couldNotRun("netlink.failed", message)
    }
  }

  /// Reads NLMSG_ERROR or the code that NLMSG_DONE carries; nil when it says that all is well.
  static func refusal(in message: NetlinkMessage, of action: String) throws(Problem) -> Problem? {
    guard let code = message.payload.integer(UInt32.self, at: 0).map(Int32.init(bitPattern:)) else {
      // An old kernel ends a dump with an empty message.
      if message.type == UInt16(NLMSG_DONE) { return nil }
      throw .malformed("netlink.message", "an acknowledgement holds no code")
    }
    guard code < 0, code != .min else { return nil }
    return refusal(-code, of: action, words: words(in: message))
  }

  /// The text of NLMSGERR_ATTR_MSG, which follows the copy of the request's header, or of the whole request.
  private static func words(in message: NetlinkMessage) -> String? {
    guard message.flags & UInt16(NLM_F_ACK_TLVS) != 0 else { return nil }
    var offset = 4
    if message.type == UInt16(NLMSG_ERROR) {
      let copied = message.payload.integer(UInt32.self, at: 4).map(Int.init) ?? 0
      offset += message.flags & UInt16(NLM_F_CAPPED) != 0 ? NetlinkMessage.headerLength : aligned(copied)
    }
    guard offset <= message.payload.count,
      let attributes = try? NetlinkAttributes(message.payload.dropFirst(offset)),
      let text = attributes[Int(NLMSGERR_ATTR_MSG.rawValue)]?.text(), !text.isEmpty
    else { return nil }
    return text
  }
}
