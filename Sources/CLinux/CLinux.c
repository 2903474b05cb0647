#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

int qq_rename_exclusive(int old_folder, const char *old_name, int new_folder, const char *new_name) {
  return renameat2(old_folder, old_name, new_folder, new_name, RENAME_NOREPLACE);
}

int64_t qq_free_bytes(const char *path) {
  struct statvfs disk;
  if (statvfs(path, &disk) != 0) return -1;
  uint64_t bytes;
  if (__builtin_mul_overflow((uint64_t)disk.f_bavail, (uint64_t)disk.f_frsize, &bytes) || bytes > INT64_MAX)
    return INT64_MAX;
  return (int64_t)bytes;
}

int64_t qq_born(const char *path) {
  struct statx status;
  if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return 0;
  return (int64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

int qq_sync_filesystem(int file) { return syncfs(file); }

ssize_t qq_read_whole(int file, void *bytes, size_t count, off_t offset) {
  size_t done = 0;
  while (done < count) {
    ssize_t result = pread(file, (char *)bytes + done, count - done, offset + (off_t)done);
    if (result == 0) break;
    if (result > 0)
      done += (size_t)result;
    else if (errno != EINTR)
      return -1;
  }
  return (ssize_t)done;
}

int qq_write_whole(int file, const void *bytes, size_t count, off_t offset) {
  size_t done = 0;
  while (done < count) {
    ssize_t result = pwrite(file, (const char *)bytes + done, count - done, offset + (off_t)done);
    if (result >= 0)
      done += (size_t)result;
    else if (errno != EINTR)
      return -1;
  }
  return 0;
}

// What direct writes are aligned to: no disk's sectors are larger.
#define ALIGNMENT 4096
// Below that a direct write costs more than it saves.
#define LEAST_DIRECT (64 << 10)
#define MOST_DIRECT (1 << 20)

int qq_write_past_cache(int file, const void *bytes, size_t count, off_t offset) {
  static _Thread_local void *aligned;
  if (count % ALIGNMENT || offset % ALIGNMENT || count < LEAST_DIRECT || count > MOST_DIRECT)
    return qq_write_whole(file, bytes, count, offset);
  if (!aligned && posix_memalign(&aligned, ALIGNMENT, MOST_DIRECT)) aligned = NULL;
  int flags = fcntl(file, F_GETFL);
  if (!aligned || flags < 0 || fcntl(file, F_SETFL, flags | O_DIRECT))
    return qq_write_whole(file, bytes, count, offset);
  memcpy(aligned, bytes, count);
  ssize_t result;
  do
    result = pwrite(file, aligned, count, offset);
  while (result < 0 && errno == EINTR);
  int error = errno;
  fcntl(file, F_SETFL, flags);
  if (result == (ssize_t)count) return 0;
  if (result < 0 && error != EINVAL) {
    errno = error;
    return -1;
  }
  // A part of it, or a file system that can't: the rest goes the usual way.
  size_t done = result > 0 ? (size_t)result : 0;
  return qq_write_whole(file, (const char *)bytes + done, count - done, offset + (off_t)done);
}

int qq_is_listening(uint16_t port) {
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (client < 0) return 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int error = connect(client, (struct sockaddr *)&address, sizeof address) ? errno : 0;
  if (error == EINPROGRESS) {
    // On loopback the answer is there at once, unless the listener's queue is full.
    struct pollfd connected = {.fd = client, .events = POLLOUT};
    socklen_t size = sizeof error;
    error = 0;
    if (poll(&connected, 1, 200) == 1) getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  close(client);
  return !error;
}

const char *qq_zone(const struct sockaddr *address, char *name) {
  if (address->sa_family != AF_INET6) return NULL;
  return if_indextoname(((const struct sockaddr_in6 *)address)->sin6_scope_id, name);
}

int qq_notify(const char *socket_name, const char *state) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(socket_name);
  if (length < 2 || length >= sizeof address.sun_path) {
    errno = EINVAL;
    return -1;
  }
  memcpy(address.sun_path, socket_name, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;
  int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (client < 0) return -1;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  ssize_t sent = sendto(client, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
  close(client);
  return sent < 0 ? -1 : 0;
}
