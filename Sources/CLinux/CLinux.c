#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int qq_rename_exclusive(int old_folder, const char *old_name, int new_folder, const char *new_name) {
  return renameat2(old_folder, old_name, new_folder, new_name, RENAME_NOREPLACE);
}

void qq_start_writing(int file, off_t offset, off_t count) {
  (void)sync_file_range(file, offset, count, SYNC_FILE_RANGE_WRITE);
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
