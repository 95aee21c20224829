import CMnl
public import Diagnostics
import Glibc

/// Something that changed in a network namespace.
public enum NetworkEvent: Sendable, Hashable {
  /// A link is new or was changed.
  case link(Link)
  case linkGone(Link)
  case address(InterfaceAddress)
  case addressGone(InterfaceAddress)
  case route(Route)
  case routeGone(Route)
  /// The kernel dropped events because they were not taken in time: list what counts anew.
  case lost
}

/// Tells what changes in the namespace where it is made: links, addresses and routes of both families.
///
/// One thread at a time. `descriptor` is readable when there is something to take.
public final class NetworkEvents {
  /// What to be told of.
  public struct Topics: OptionSet, Sendable {
    /// The kernel's bits.
    public let rawValue: UInt32
    /// Topics by the kernel's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Links that come, go and change.
    public static let links = Topics(rawValue: UInt32(RTMGRP_LINK))
    /// Addresses of links.
    public static let addresses = Topics(rawValue: UInt32(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))
    /// Routes of every table.
    public static let routes = Topics(rawValue: UInt32(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE))
  }

  private let socket: NetlinkSocket

  /// Begins to listen: every change after this returns is told, or counted as lost.
  public init(_ topics: Topics) throws(Problem) { socket = try NetlinkSocket(.route, groups: topics.rawValue) }

  /// To wait with others.
  public var descriptor: Int32 { socket.descriptor }

  /// Everything that happened since the last call, in the kernel's order; never waits.
  ///
  /// At most `limit` datagrams are read, so that a storm cannot hold the caller; the rest comes with the next call.
  public func take(limit: Int = 256) throws(Problem) -> [NetworkEvent] {
    var events: [NetworkEvent] = []
    for _ in 0..<limit {
      guard let messages = try socket.receiveEvents() else {
        events.append(.lost)
        continue
      }
      if messages.isEmpty { break }
      for message in messages { if let event = try Self.event(message) { events.append(event) } }
    }
    return events
  }

  /// Waits until something can be taken; false when nothing came.
  public func wait(milliseconds: Int32) -> Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&wanted, 1, milliseconds) > 0
  }

  /// Reads a message; nil for those that nobody asked for.
  package static func event(_ message: NetlinkMessage) throws(Problem) -> NetworkEvent? {
    switch Int(message.type) {
    case Int(RTM_NEWLINK): return .link(try Link(message))
    case Int(RTM_DELLINK): return .linkGone(try Link(message))
    case Int(RTM_NEWADDR): return try InterfaceAddress(message).map { .address($0) }
    case Int(RTM_DELADDR): return try InterfaceAddress(message).map { .addressGone($0) }
    case Int(RTM_NEWROUTE): return try Route(message).map { .route($0) }
    case Int(RTM_DELROUTE): return try Route(message).map { .routeGone($0) }
    default: return nil
    }
  }
}
