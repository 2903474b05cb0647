// System calls of Linux that the platform's module doesn't show to Swift.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/// As renameat(2), and fails with EEXIST where the new name is taken.
int qq_rename_exclusive(int old_folder, const char *old_name, int new_folder, const char *new_name);

/// As pread(2), until `count` bytes or the end of the file: fewer mean the end, -1 an error.
ssize_t qq_read_whole(int file, void *bytes, size_t count, off_t offset);

/// As pwrite(2), until all is written: 0, or -1 for an error.
int qq_write_whole(int file, const void *bytes, size_t count, off_t offset);

/// As qq_write_whole, past the page cache where the file system can and size and offset allow it: copying into fresh pages
/// of it costs more than the disk does. What was written so is read back from the disk.
int qq_write_past_cache(int file, const void *bytes, size_t count, off_t offset);

/// As syncfs(2): all of the file system that the file is on.
int qq_sync_filesystem(int file);

/// Bytes that this account may still write on the disk of `path`, as statvfs(3) has it, INT64_MAX at the most; -1 for an
/// error.
int64_t qq_free_bytes(const char *path);

/// When the file was made, in nanoseconds since 1970, as statx(2) has it; 0 where the file system doesn't say.
int64_t qq_born(const char *path);

/// Whether something on this machine accepts TCP connections at a port of 127.0.0.1, or is too busy to say.
int qq_is_listening(uint16_t port);

/// Sends a datagram to a Unix socket, an abstract one where the name begins with "@": 0, or -1 for an error. What
/// sd_notify(3) does.
int qq_notify(const char *socket_name, const char *state);

/// The zone of an IPv6 address (RFC 4007), its interface's name, into a buffer of IF_NAMESIZE bytes; NULL where there is
/// none.
const char *qq_zone(const struct sockaddr *address, char *name);

#endif
