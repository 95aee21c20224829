#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

_Static_assert(sizeof(cl_mmsghdr) == sizeof(struct mmsghdr), "mmsghdr");
_Static_assert(__builtin_offsetof(cl_mmsghdr, msg_len) == __builtin_offsetof(struct mmsghdr, msg_len), "msg_len");
_Static_assert(sizeof(cl_in_pktinfo) == sizeof(struct in_pktinfo), "in_pktinfo");
_Static_assert(sizeof(cl_in6_pktinfo) == sizeof(struct in6_pktinfo), "in6_pktinfo");
_Static_assert(CL_IP_PKTINFO == IP_PKTINFO && CL_IPV6_PKTINFO == IPV6_PKTINFO && CL_IPV6_TCLASS == IPV6_TCLASS, "ip");
_Static_assert(CL_MSG_CTRUNC == (int)MSG_CTRUNC && CL_MSG_TRUNC == (int)MSG_TRUNC, "flags");
_Static_assert(CLOCK_BOOTTIME == 7, "clock");
_Static_assert(CMSG_SPACE(4) + CMSG_SPACE(4) + CMSG_SPACE(20) <= CL_RECEIVE_CONTROL, "receive control");
_Static_assert(CMSG_SPACE(2) + CMSG_SPACE(4) + CMSG_SPACE(20) <= CL_SEND_CONTROL, "send control");
_Static_assert(sizeof(void *) == 8, "pointers are 64-bit words here");

static int result(int value) { return value < 0 ? -errno : value; }

// A request about an interface by name, on a socket that lives for the call alone.
static int request(unsigned long what, struct ifreq *r, const char *name) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  strncpy(r->ifr_name, name, IFNAMSIZ - 1);
  int rc = result(ioctl(fd, what, r));
  close(fd);
  return rc;
}

int cl_interface_index(const char *name) {
  struct ifreq r = {0};
  int rc = request(SIOCGIFINDEX, &r, name);
  return rc < 0 ? rc : r.ifr_ifindex;
}
int cl_interface_mtu(const char *name) {
  struct ifreq r = {0};
  int rc = request(SIOCGIFMTU, &r, name);
  return rc < 0 ? rc : r.ifr_mtu;
}
int cl_set_interface_mtu(const char *name, int mtu) {
  struct ifreq r = {.ifr_mtu = mtu};
  return request(SIOCSIFMTU, &r, name);
}
int cl_interface_is_up(const char *name) {
  struct ifreq r = {0};
  int rc = request(SIOCGIFFLAGS, &r, name);
  return rc < 0 ? rc : (r.ifr_flags & IFF_UP) != 0;
}
int cl_set_interface_queue(const char *name, int packets) {
  struct ifreq r = {0};
  int rc = request(SIOCGIFTXQLEN, &r, name);
  if (rc < 0 || r.ifr_qlen >= packets) return rc;
  r.ifr_qlen = packets;
  return request(SIOCSIFTXQLEN, &r, name);
}
int cl_set_interface_up(const char *name, int up) {
  struct ifreq r = {0};
  int rc = request(SIOCGIFFLAGS, &r, name);
  if (rc < 0) return rc;
  r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
  return request(SIOCSIFFLAGS, &r, name);
}
int cl_tun_name(int fd, char name[16]) {
  struct ifreq r = {0};
  if (ioctl(fd, TUNGETIFF, &r)) return -errno;
  memcpy(name, r.ifr_name, IFNAMSIZ);
  return 0;
}

int cl_open_tun(const char *name, int offloads, int *flags) {
  *flags = cl_interface_index(name) > 0 ? CL_TUN_EXISTED : 0;
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -errno;
  struct ifreq r = {0};
  strncpy(r.ifr_name, name, IFNAMSIZ - 1);
  r.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  int ten = 10;
  // The header is ten bytes because we say so, not because it is the default (IFF_VNET_HDR).
  if (ioctl(fd, TUNSETIFF, &r) || ioctl(fd, TUNSETVNETHDRSZ, &ten)) goto failed;
  if (strncmp(r.ifr_name, name, IFNAMSIZ)) {
    errno = EINVAL;
    goto failed;
  }
  unsigned basic = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (!offloads) {
    if (ioctl(fd, TUNSETOFFLOAD, 0)) goto failed;
  } else if (ioctl(fd, TUNSETOFFLOAD, basic | TUN_F_USO4 | TUN_F_USO6) == 0) {
    *flags |= CL_TUN_USO;
  } else if (ioctl(fd, TUNSETOFFLOAD, basic)) {
    goto failed;
  }
  return fd;
failed:;
  int code = errno;
  close(fd);
  return -code;
}

static int on(int fd, int level, int option) {
  int one = 1;
  return setsockopt(fd, level, option, &one, sizeof one);
}

int cl_open_udp(int family, uint16_t port, uint32_t mark, int offloads, int *has_gro, int *buffers) {
  int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int size = 7 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  socklen_t length = sizeof *buffers;
  getsockopt(fd, SOL_SOCKET, SO_RCVBUF, buffers, &length);
  *has_gro = offloads && on(fd, IPPROTO_UDP, CL_UDP_GRO) == 0;
  if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark)) goto failed;
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (family == AF_INET) {
    // Outer IPv4 packets may be fragmented on their way, as those of the kernel's WireGuard.
    int dont = IP_PMTUDISC_DONT;
    if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof dont) || on(fd, IPPROTO_IP, IP_PKTINFO) ||
        on(fd, IPPROTO_IP, IP_RECVTOS) || bind(fd, (struct sockaddr *)&v4, sizeof v4))
      goto failed;
  } else {
    int want = IPV6_PMTUDISC_WANT;
    if (on(fd, IPPROTO_IPV6, IPV6_V6ONLY) || on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) ||
        on(fd, IPPROTO_IPV6, IPV6_RECVTCLASS) ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &want, sizeof want) ||
        bind(fd, (struct sockaddr *)&v6, sizeof v6))
      goto failed;
  }
  return fd;
failed:;
  int code = errno;
  close(fd);
  return -code;
}

int cl_bound_port(int fd) {
  struct sockaddr_in6 name = {0};
  socklen_t length = sizeof name;
  if (getsockname(fd, (struct sockaddr *)&name, &length)) return -errno;
  return ntohs(name.sin6_port);
}
int cl_set_mark(int fd, uint32_t mark) { return result(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark)); }

int cl_eventfd(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
void cl_signal(int fd) {
  uint64_t one = 1;
  // It fails only when the counter is full, and then the reader is woken already.
  ssize_t written = write(fd, &one, sizeof one);
  (void)written;
}
void cl_drain(int fd) {
  uint64_t count;
  ssize_t got = read(fd, &count, sizeof count);
  (void)got;
}

int cl_signalfd(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &set, 0)) return -errno;
  signal(SIGPIPE, SIG_IGN);
  return result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}
int cl_next_signal(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

int cl_timerfd(void) { return result(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)); }
int cl_timer_set(int fd, uint64_t nanoseconds) {
  struct itimerspec when = {.it_value = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)}};
  return result(timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, 0));
}

int cl_open_route_events(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return -errno;
  struct sockaddr_nl name = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                          RTMGRP_IPV6_ROUTE};
  if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0) return fd;
  int code = errno;
  close(fd);
  return -code;
}
int cl_drain_route_events(int fd) {
  char buffer[8192];
  int any = 0;
  // ENOBUFS means that events were lost: that too is a change.
  while (recv(fd, buffer, sizeof buffer, 0) > 0 || errno == ENOBUFS) any = 1;
  return any;
}

static int local_name(const char *path, struct sockaddr_un *name) {
  memset(name, 0, sizeof *name);
  name->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof name->sun_path) return -ENAMETOOLONG;
  strcpy(name->sun_path, path);
  return 0;
}
int cl_answers_local(const char *path) {
  struct sockaddr_un name;
  int rc = local_name(path, &name);
  if (rc < 0) return rc;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  rc = result(connect(fd, (struct sockaddr *)&name, sizeof name));
  close(fd);
  return rc == 0 || rc == -EAGAIN;
}
int cl_listen_local(const char *path) {
  struct sockaddr_un name;
  int rc = local_name(path, &name);
  if (rc < 0) return rc;
  rc = cl_answers_local(path);
  if (rc > 0) return -EADDRINUSE;
  if (unlink(path) && errno != ENOENT) return -errno;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  mode_t old = umask(0077);
  rc = result(bind(fd, (struct sockaddr *)&name, sizeof name));
  umask(old);
  if (rc == 0) rc = result(listen(fd, 16));
  if (rc == 0) return fd;
  close(fd);
  return rc;
}
int cl_accept_from(int fd, struct sockaddr *address, socklen_t *length) {
  return result(accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int cl_accept(int fd) { return result(accept4(fd, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

int cl_fork(void) { return result(fork()); }
void cl_close_from(unsigned int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
#endif
  // Before Linux 5.9.
  long limit = sysconf(_SC_OPEN_MAX);
  for (long fd = first; fd < (limit > 0 && limit < 65536 ? limit : 65536); fd++) close((int)fd);
}
void cl_be_nice(int by) {
  pid_t thread = (pid_t)syscall(SYS_gettid);
  setpriority(PRIO_PROCESS, (id_t)thread, getpriority(PRIO_PROCESS, (id_t)thread) + by);
}
int cl_poll(struct pollfd *descriptors, unsigned int count, int milliseconds) {
  return result(poll(descriptors, count, milliseconds));
}
int cl_packet_pair(int ends[2]) {
  return result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
}
