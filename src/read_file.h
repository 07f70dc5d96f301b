/* A regular file into memory by plain system calls, so that a thread lets go of the interpreter once
   a file and not once a call. */
#ifndef FASTPIX_READ_FILE_H
#define FASTPIX_READ_FILE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)

static inline ptrdiff_t fastpix_read_file(const char *path, char *target, size_t room) {
    (void)path, (void)target, (void)room;
    return -1;
}

static inline ptrdiff_t fastpix_read_at(int file, char *target, size_t size, int64_t at) {
    (void)file, (void)target, (void)size, (void)at;
    return -1;
}

static inline ptrdiff_t fastpix_read_part(const char *path, char *target, size_t size, int64_t at,
                                          const int64_t *stamp) {
    (void)path, (void)target, (void)size, (void)at, (void)stamp;
    return -1;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* glibc 2.33 has made `stat` and `fstat` functions. The functions behind the older ones are in each
   glibc, so that a wheel that was built with a newer one runs with an older one, too. */
#if defined(__GLIBC__) && defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
#if defined(__x86_64__)
#define FASTPIX_STAT_VERSION 1
#else
#define FASTPIX_STAT_VERSION 0
#endif
extern int __xstat(int version, const char *path, struct stat *status);
extern int __fxstat(int version, int file, struct stat *status);
#define fastpix_stat(path, status) __xstat(FASTPIX_STAT_VERSION, path, status)
#define fastpix_fstat(file, status) __fxstat(FASTPIX_STAT_VERSION, file, status)
#else
#define fastpix_stat stat
#define fastpix_fstat fstat
#endif

/* Returns how many bytes the file has; -1 where it does not fit, is no regular file that says how
   large it is, or where anything fails: the caller finds out what by other means. */
static inline ptrdiff_t fastpix_read_file(const char *path, char *target, size_t room) {
    int file;
    struct stat status;
    ptrdiff_t done = -1;
    /* A pipe is not even opened: who writes into it would believe that it is being read. */
    if (fastpix_stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return -1;
    file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may have become one */
    if (file < 0) return -1;
    if (fastpix_fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
        (size_t)status.st_size <= room) {
        size_t size = (size_t)status.st_size, have = 0;
        while (have < size) {
            ssize_t count = read(file, target + have, size - have);
            if (count <= 0) break;
            have += (size_t)count;
        }
        if (have == size) done = (ptrdiff_t)have;
    }
    close(file);
    return done;
}

/* Returns how many of `size` bytes from byte `at` on have been read: fewer at the end of the file, or
   where it cannot be read. */
static inline ptrdiff_t fastpix_read_at(int file, char *target, size_t size, int64_t at) {
    size_t have = 0;
    while (have < size) {
        ssize_t count = pread(file, target + have, size - have, (off_t)(at + (int64_t)have));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        have += (size_t)count;
    }
    return (ptrdiff_t)have;
}

/* Nanoseconds since 1970 of the last change. */
static inline int64_t fastpix_modified(const struct stat *status) {
#if defined(__APPLE__)
    const struct timespec *at = &status->st_mtimespec;
#else
    const struct timespec *at = &status->st_mtim;
#endif
    return (int64_t)at->tv_sec * 1000000000 + (int64_t)at->tv_nsec;
}

/* Returns `size` if so many bytes from byte `at` on have been read; -1 where the file has not the
   size, time of change, inode and device of `stamp`, or cannot be read. */
static inline ptrdiff_t fastpix_read_part(const char *path, char *target, size_t size, int64_t at,
                                          const int64_t *stamp) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    ptrdiff_t done = -1;
    if (file < 0) return -1;
    if (fastpix_fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
        (int64_t)status.st_size == stamp[0] && fastpix_modified(&status) == stamp[1] &&
        (int64_t)status.st_ino == stamp[2] && (int64_t)status.st_dev == stamp[3] &&
        fastpix_read_at(file, target, size, at) == (ptrdiff_t)size)
        done = (ptrdiff_t)size;
    close(file);
    return done;
}

#endif
#endif
