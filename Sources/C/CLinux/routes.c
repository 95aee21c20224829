// What the routes of the kernel say of a destination.
#include "CLinux.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <unistd.h>

// What is known of a route; 0 where nothing is.
struct route {
  int type, interface, mtu;
};

static int result(int value) { return value < 0 ? -errno : value; }

int cl_open_routes(void) { return result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)); }

static void add_attribute(struct nlmsghdr *message, unsigned short type, const void *data, unsigned short size) {
  struct rtattr *attribute = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH(size);
  memcpy(RTA_DATA(attribute), data, size);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static int metric_mtu(struct rtattr *metrics) {
  int left = (int)RTA_PAYLOAD(metrics);
  for (struct rtattr *one = RTA_DATA(metrics); RTA_OK(one, left); one = RTA_NEXT(one, left)) {
    int mtu;
    if (one->rta_type != RTAX_MTU || RTA_PAYLOAD(one) < sizeof mtu) continue;
    memcpy(&mtu, RTA_DATA(one), sizeof mtu);
    return mtu;
  }
  return 0;
}

static void read_route(struct nlmsghdr *answer, struct route *out) {
  struct rtmsg *route = NLMSG_DATA(answer);
  int left = (int)RTM_PAYLOAD(answer);
  out->type = route->rtm_type;
  for (struct rtattr *one = RTM_RTA(route); RTA_OK(one, left); one = RTA_NEXT(one, left)) {
    if (one->rta_type == RTA_OIF) memcpy(&out->interface, RTA_DATA(one), sizeof out->interface);
    if (one->rta_type == RTA_METRICS) out->mtu = metric_mtu(one);
  }
}

// Asks for one route, from `source` where it is one, by `scope` where it is one; 0 or -errno.
static int ask(int fd, const uint8_t *destination, const uint8_t *source, int length, uint32_t scope, uint32_t mark,
               struct route *out) {
  static uint32_t sequence;
  struct {
    struct nlmsghdr header;
    struct rtmsg route;
    char room[128];
  } question;
  memset(&question, 0, sizeof question);
  memset(out, 0, sizeof *out);
  question.header.nlmsg_len = NLMSG_LENGTH(sizeof question.route);
  question.header.nlmsg_type = RTM_GETROUTE;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.header.nlmsg_seq = __atomic_add_fetch(&sequence, 1, __ATOMIC_RELAXED);
  question.route.rtm_family = length == 4 ? AF_INET : AF_INET6;
  question.route.rtm_dst_len = (unsigned char)(length * 8);
  add_attribute(&question.header, RTA_DST, destination, (unsigned short)length);
  if (source) {
    question.route.rtm_src_len = (unsigned char)(length * 8);
    add_attribute(&question.header, RTA_SRC, source, (unsigned short)length);
  }
  if (scope) add_attribute(&question.header, RTA_OIF, &scope, sizeof scope);
  if (mark) add_attribute(&question.header, RTA_MARK, &mark, sizeof mark);
  if (send(fd, &question, question.header.nlmsg_len, 0) < 0) return -errno;
  union {
    struct nlmsghdr header;
    char room[4096];
  } answer;
  int got;
  // What comes late to an earlier question is not the answer to this one.
  do got = result((int)recv(fd, &answer, sizeof answer, 0));
  while (got >= 0 && NLMSG_OK(&answer.header, (unsigned)got) && answer.header.nlmsg_seq != question.header.nlmsg_seq);
  if (got < 0) return got;
  if (!NLMSG_OK(&answer.header, (unsigned)got)) return -EIO;
  if (answer.header.nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
  read_route(&answer.header, out);
  return 0;
}

int cl_route_interface(int fd, const uint8_t *destination, const uint8_t *source, int length, uint32_t mark) {
  struct route route;
  int rc = ask(fd, destination, source, length, 0, mark, &route);
  return rc < 0 ? rc : route.interface;
}

int cl_is_own_address(int fd, const uint8_t *address, int length) {
  struct route route;
  return ask(fd, address, 0, length, 0, 0, &route) == 0 && route.type == RTN_LOCAL;
}

// The MTU of the interface with this index.
static int link_mtu(int index) {
  struct ifreq r = {.ifr_ifindex = index};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int rc = result(ioctl(fd, SIOCGIFNAME, &r));
  if (rc >= 0) rc = result(ioctl(fd, SIOCGIFMTU, &r));
  close(fd);
  return rc < 0 ? rc : r.ifr_mtu;
}

int cl_route_mtu(int fd, const uint8_t *destination, int length, uint32_t scope, uint32_t mark, int except) {
  struct route route;
  int rc = ask(fd, destination, 0, length, scope, mark, &route);
  if (rc < 0) return rc;
  if (route.interface == 0 || route.interface == except) return -ENETUNREACH;
  return route.mtu > 0 ? route.mtu : link_mtu(route.interface);
}
