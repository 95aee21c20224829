// What Linux offers and the module Glibc does not: many messages in one call. Layouts are asserted in shim.c.
#pragma once
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

// MARK: many messages in one call

/// `struct mmsghdr`: a message and the number of bytes that were moved.
typedef struct cl_mmsghdr {
  struct msghdr msg_hdr;
  unsigned int msg_len;
} cl_mmsghdr;

// Bound straight to the C library: no thunk on the path. The timeout is never used.
int cl_recvmmsg(int fd, cl_mmsghdr *messages, unsigned int count, int flags, void *timeout) __asm__("recvmmsg");
int cl_sendmmsg(int fd, cl_mmsghdr *messages, unsigned int count, int flags) __asm__("sendmmsg");

/// Accepts a connection with its peer's address; the descriptor does not block. A descriptor or -errno.
int cl_accept_from(int fd, struct sockaddr *address, socklen_t *length);
/// Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and gives a descriptor that reads them.
int cl_signalfd(void);
/// The next signal, or 0.
int cl_next_signal(int fd);
