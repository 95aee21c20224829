// What Linux offers a packet path and the module Glibc does not: many messages in one call, control messages, the ioctls
// of a TUN device, descriptors for events, signals and times, and atomics. Layouts are asserted in shim.c.
#pragma once
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

// MARK: many messages in one call

/// `struct mmsghdr`: a message and the number of bytes that were moved.
typedef struct cl_mmsghdr {
  struct msghdr msg_hdr;
  unsigned int msg_len;
} cl_mmsghdr;

// Bound straight to the C library: no thunk on the path. The timeout is never used.
int cl_recvmmsg(int fd, cl_mmsghdr *messages, unsigned int count, int flags, void *timeout) __asm__("recvmmsg");
int cl_sendmmsg(int fd, cl_mmsghdr *messages, unsigned int count, int flags) __asm__("sendmmsg");

// MARK: control messages

enum {
  /// Room for every control message that a received datagram can carry here.
  CL_RECEIVE_CONTROL = 128,
  /// Room for every control message that we send: segment size, traffic class, source.
  CL_SEND_CONTROL = 128,
  CL_UDP_SEGMENT = 103,
  CL_UDP_GRO = 104,
  CL_MSG_CTRUNC = 8,
  CL_MSG_TRUNC = 0x20,
  CL_IP_PKTINFO = 8,
  CL_IPV6_PKTINFO = 50,
  CL_IPV6_TCLASS = 67,
};

typedef struct cl_in6_pktinfo {
  uint8_t address[16];
  uint32_t interface;
} cl_in6_pktinfo;

typedef struct cl_in_pktinfo {
  int32_t interface;
  uint32_t source;
  uint32_t destination;
} cl_in_pktinfo;

/// What the control messages of a received datagram say.
typedef struct cl_received {
  /// Bytes a segment of a coalesced datagram; 0 where it is one.
  int32_t segment;
  /// The interface that it came in by; 0 if unknown.
  uint32_t interface;
  /// Our address that it was sent to: four or sixteen octets.
  uint8_t local[16];
  /// TOS or traffic class.
  uint8_t traffic_class;
  /// 0 where `local` is unknown, else 4 or 16.
  uint8_t local_length;
} cl_received;

/// Reads the control messages of `header`; what is absent is 0.
static inline void cl_read_control(struct msghdr *header, cl_received *out) {
  memset(out, 0, sizeof *out);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == CL_UDP_GRO) {
      int value;
      memcpy(&value, CMSG_DATA(c), sizeof value);
      out->segment = value;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == CL_IP_PKTINFO) {
      cl_in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(out->local, &info.destination, 4);
      out->local_length = 4;
      out->interface = (uint32_t)info.interface;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == 1 /* IP_TOS */) {
      out->traffic_class = *(uint8_t *)CMSG_DATA(c);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == CL_IPV6_PKTINFO) {
      cl_in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(out->local, info.address, 16);
      out->local_length = 16;
      out->interface = info.interface;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == CL_IPV6_TCLASS) {
      int value;
      memcpy(&value, CMSG_DATA(c), sizeof value);
      out->traffic_class = (uint8_t)value;
    }
  }
}

/// Appends one control message at `at`; returns where the next one goes.
static inline size_t cl_add_control(uint8_t *buffer, size_t at, int level, int type, const void *data, size_t size) {
  struct cmsghdr c;
  memset(&c, 0, sizeof c);
  c.cmsg_len = CMSG_LEN(size);
  c.cmsg_level = level;
  c.cmsg_type = type;
  memset(buffer + at, 0, CMSG_SPACE(size));
  memcpy(buffer + at, &c, sizeof c);
  memcpy(buffer + at + CMSG_LEN(0), data, size);
  return at + CMSG_SPACE(size);
}

/// Writes the control messages of a datagram to `buffer` (CL_SEND_CONTROL bytes) and returns their length.
/// `segment` 0 means one datagram; `source_length` 0 means that the kernel chooses the source.
static inline size_t cl_write_control(uint8_t *buffer, int is_v6, uint16_t segment, uint8_t traffic_class,
                                      const uint8_t *source, uint8_t source_length, uint32_t interface) {
  size_t at = 0;
  if (segment) at = cl_add_control(buffer, at, IPPROTO_UDP, CL_UDP_SEGMENT, &segment, sizeof segment);
  if (traffic_class) {
    int value = traffic_class;
    at = is_v6 ? cl_add_control(buffer, at, IPPROTO_IPV6, CL_IPV6_TCLASS, &value, sizeof value)
               : cl_add_control(buffer, at, IPPROTO_IP, 1 /* IP_TOS */, &value, sizeof value);
  }
  if (source_length == 4 && !is_v6) {
    cl_in_pktinfo info = {0, 0, 0};
    memcpy(&info.source, source, 4);
    at = cl_add_control(buffer, at, IPPROTO_IP, CL_IP_PKTINFO, &info, sizeof info);
  } else if (source_length == 16 && is_v6) {
    cl_in6_pktinfo info;
    memcpy(info.address, source, 16);
    // Only a link-local source needs its interface (RFC 4007, 6); any other leaves the way to the routes.
    info.interface = source[0] == 0xfe && (source[1] & 0xc0) == 0x80 ? interface : 0;
    at = cl_add_control(buffer, at, IPPROTO_IPV6, CL_IPV6_PKTINFO, &info, sizeof info);
  }
  return at;
}

// MARK: opening things; each returns a descriptor or -errno

/// Flags of `cl_open_tun`'s answer.
enum { CL_TUN_USO = 1, CL_TUN_EXISTED = 2 };

/// Attaches to the TUN `name`, making it if need be. `offloads` asks for TSO and, where the kernel has it, USO; `flags`
/// says what came of it. The descriptor does not block.
int cl_open_tun(const char *name, int offloads, int *flags);
/// A UDP socket of `family` on `port` with everything that the packet path reads; `offloads` asks for UDP_GRO, and
/// `*has_gro` says whether it is on. `*buffers` is the receive buffer that the kernel granted, in bytes.
int cl_open_udp(int family, uint16_t port, uint32_t mark, int offloads, int *has_gro, int *buffers);
/// The port that a socket is bound to, or -errno.
int cl_bound_port(int fd);
/// Marks what a socket sends; 0 or -errno.
int cl_set_mark(int fd, uint32_t mark);
/// A counter that wakes: eventfd, not blocking.
int cl_eventfd(void);
/// Adds one to an eventfd.
void cl_signal(int eventfd);
/// Takes everything from an eventfd.
void cl_drain(int eventfd);
/// Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and gives a descriptor that reads them.
int cl_signalfd(void);
/// The next signal, or 0.
int cl_next_signal(int fd);
/// A timer of CLOCK_BOOTTIME.
int cl_timerfd(void);
/// Sets the timer to a moment; 0 stops it. A moment in the past fires at once.
int cl_timer_set(int fd, uint64_t nanoseconds);
/// A netlink socket that hears of links, addresses and routes.
int cl_open_route_events(void);
/// Takes what a netlink socket holds; whether there was anything.
int cl_drain_route_events(int fd);

// MARK: interfaces; 0 or a value, or -errno

int cl_interface_index(const char *name);
int cl_interface_mtu(const char *name);
int cl_set_interface_mtu(const char *name, int mtu);
int cl_interface_is_up(const char *name);
int cl_set_interface_queue(const char *name, int packets);
/// The name of the interface that a TUN descriptor is, which changes with `ip link set name`.
int cl_tun_name(int fd, char name[16]);
/// Takes a TUN down that is not persistent: its last descriptor is closed by the caller.
int cl_set_interface_up(const char *name, int up);

// MARK: routes, asked over a socket of `cl_open_routes`; addresses have `length` 4 or 16 octets

/// A netlink socket for questions, which answers for the namespace that it was opened in.
int cl_open_routes(void);
/// The interface by which a packet would leave to `destination` from `source` with a mark; -EINVAL where the source is not
/// ours.
int cl_route_interface(int fd, const uint8_t *destination, const uint8_t *source, int length, uint32_t mark);
/// Whether an address is one of this host. Asked of sources of IPv6, whose routes the kernel gives for any source.
int cl_is_own_address(int fd, const uint8_t *address, int length);
/// Octets of the largest packet on the way to `destination`, as the routes and what the kernel has learnt of this path say;
/// `scope` is the interface of a link-local address, or 0. -errno where there is no way, or one by the interface `except`
/// only.
int cl_route_mtu(int fd, const uint8_t *destination, int length, uint32_t scope, uint32_t mark, int except);

// MARK: local sockets; a descriptor, 0 or -errno

/// Listens on a new local socket; a stale one, which nobody answers, is replaced.
int cl_listen_local(const char *path);
int cl_accept(int fd);
/// Accepts a connection with its peer's address; the descriptor does not block. A descriptor or -errno.
int cl_accept_from(int fd, struct sockaddr *address, socklen_t *length);
/// Whether somebody answers at the socket.
int cl_answers_local(const char *path);

// MARK: processes

/// Forks; only before the first thread.
int cl_fork(void);
/// Closes every descriptor from `first` on.
void cl_close_from(unsigned int first);
/// The calling thread's nice value goes up by `by`, or down where that is allowed (CAP_SYS_NICE).
void cl_be_nice(int by);
int cl_poll(struct pollfd *descriptors, unsigned int count, int milliseconds);
/// Two ends of a local datagram socket that keeps the borders of messages: the twin of a TUN in tests.
int cl_packet_pair(int ends[2]);

// MARK: clocks and atomics

/// CLOCK_BOOTTIME in nanoseconds, read once a batch.
static inline uint64_t cl_boottime(void) {
  struct timespec now;
  clock_gettime(7 /* CLOCK_BOOTTIME */, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t cl_load_relaxed(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline uint64_t cl_load_acquire(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline uint64_t cl_load_ordered(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
static inline void cl_store_relaxed(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
static inline void cl_store_release(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline void cl_store_ordered(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }
/// A full fence: nothing before it is seen after what follows it.
static inline void cl_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
/// Adds to a counter that one thread alone writes: a plain addition that readers never see torn.
static inline void cl_count(uint64_t *p, uint64_t by) {
  __atomic_store_n(p, __atomic_load_n(p, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}
/// Adds to a counter that several threads write.
static inline uint64_t cl_add(uint64_t *p, uint64_t by) { return __atomic_add_fetch(p, by, __ATOMIC_RELAXED); }
/// Puts a value into a word and returns what was there.
static inline uint64_t cl_exchange(uint64_t *p, uint64_t v) { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }
/// Sets bits and returns what was there.
static inline uint64_t cl_or(uint64_t *p, uint64_t bits) { return __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL); }
static inline void *cl_pointer_acquire(void *const *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void *cl_pointer_exchange(void **p, void *v) { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }
static inline void cl_pointer_release(void **p, void *v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }

// MARK: namespaces

/// Moves the calling thread into a namespace, or into new ones.
int cl_setns(int descriptor, int kinds) __asm__("setns");
int cl_unshare(int kinds) __asm__("unshare");
enum { CL_NEW_NETWORK = 0x40000000 };
