#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int qq_rename_exclusive(int old_folder, const char *old_name, int new_folder, const char *new_name) {
  return renameat2(old_folder, old_name, new_folder, new_name, RENAME_NOREPLACE);
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
