#ifndef WEIR_CPOSIX_FILES_H
#define WEIR_CPOSIX_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Unless said otherwise a function returns -1 and sets errno when it fails, as the system call does. */

enum {
    /// Fail with EEXIST when the target is there.
    WEIR_RENAME_NOREPLACE = 1,
    /// Swap the two, atomically.
    WEIR_RENAME_EXCHANGE = 2,
};

/// renameat2(2) with both paths relative to the working directory.
int weir_renameat2(const char *from, const char *to, unsigned int flags);

/// syncfs(2): everything of the file system that a descriptor stands on.
int weir_sync_filesystem(int fd);

/// pipe2(2) with O_CLOEXEC, never on descriptors 0 to 2. The first end is for reading.
int weir_pipe(int ends[2]);

/// Frees the blocks of a range (fallocate(2), FALLOC_FL_PUNCH_HOLE); the file keeps its size.
int weir_punch_hole(int fd, int64_t offset, int64_t length);

/// The start of the first hole, and of the first data, at or after an offset (lseek(2), SEEK_HOLE and SEEK_DATA).
int64_t weir_seek_hole(int fd, int64_t offset);
int64_t weir_seek_data(int fd, int64_t offset);

/// memfd_create(2): an open file without a name, in memory; close-on-exec, never on descriptors 0 to 2.
int weir_memory_file(const char *label);

/// The magic number of the file system that a path stands on (statfs(2)).
int64_t weir_filesystem_type(const char *path);

/// Whether the kernel says that the clock is synchronised (adjtimex(2)); -1 when it cannot be asked.
int weir_clock_is_synchronised(void);

/// write(2) that never raises SIGPIPE in the process: EPIPE is all that happens.
ssize_t weir_write_nosigpipe(int fd, const void *bytes, size_t count);

#endif
