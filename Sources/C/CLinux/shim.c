#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

_Static_assert(sizeof(cl_mmsghdr) == sizeof(struct mmsghdr), "mmsghdr");
_Static_assert(__builtin_offsetof(cl_mmsghdr, msg_len) == __builtin_offsetof(struct mmsghdr, msg_len), "msg_len");

static int result(int value) { return value < 0 ? -errno : value; }

int cl_accept_from(int fd, struct sockaddr *address, socklen_t *length) {
  return result(accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int cl_signalfd(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &set, 0) < 0) return -errno;
  return result(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

int cl_next_signal(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}
