/* Preloaded into a command and every process it starts: counts the calls that change
   what is on disk below FAULT_HOME and, at the call that FAULT_CONTROL names, kills
   the whole process group in its place. With FAULT_TORN that call is half done first. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct control {
    int count;  /* calls so far, of all processes */
    int target; /* the call to die at, 0 for none */
};

static struct control *control;
static const char *home, *record;
static int torn;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULT_CONTROL");
    home = getenv("FAULT_HOME");
    if (control || !path || !home) return;
    record = getenv("FAULT_RECORD");
    torn = getenv("FAULT_TORN") != NULL;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) control = at;
    syscall(SYS_close, fd);
}

static int below(const char *path) {
    size_t length = strlen(home);
    return !strncmp(path, home, length) && (!path[length] || path[length] == '/');
}

/* Writes the absolute path of NAME below the folder FD into FOUND. */
static int resolve(int fd, const char *name, char *found, size_t size) {
    char link[64], folder[4096];
    if (name[0] == '/') return snprintf(found, size, "%s", name) > 0;
    if (fd == AT_FDCWD) strcpy(link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, folder, sizeof folder - 1);
    if (length <= 0) return 0;
    folder[length] = 0;
    return snprintf(found, size, "%s/%s", folder, name) > 0;
}

static void note(const char *call, const char *path) {
    char line[8300];
    int length = snprintf(line, sizeof line, "%s %s\n", call, path + strlen(home));
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, record, flags, 0600);
    if (fd < 0) return;
    syscall(SYS_write, fd, line, length);
    syscall(SYS_close, fd);
}

/* Counts a call on PATH; true when it is the one to die at. */
static int is_last(const char *call, const char *path) {
    if (!control || !below(path)) return 0;
    if (record) note(call, path);
    return __sync_add_and_fetch(&control->count, 1) == control->target;
}

static int is_last_at(const char *call, int folder, const char *name) {
    char path[8200];
    start();
    return control && resolve(folder, name, path, sizeof path) && is_last(call, path);
}

static int is_last_on(const char *call, int fd) {
    char link[64], path[4096];
    struct stat status;
    start();
    if (!control || fstat(fd, &status) || !S_ISREG(status.st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_last(call, path);
}

static void die(void) {
    kill(0, SIGKILL);
    for (;;) pause();
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    if (is_last_on("write", fd)) {
        if (torn && size > 1) real(fd, data, size / 2);
        die();
    }
    return real(fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64);
    if (is_last_on("write", fd)) {
        if (torn && size > 1) real(fd, data, size / 2, offset);
        die();
    }
    return real(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return pwrite64(fd, data, size, offset);
}

#define ON_DESCRIPTOR(name, kind, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        if (is_last_on(kind, fd)) die(); \
        return real arguments; \
    }
ON_DESCRIPTOR(fsync, "sync", (int fd), (fd))
ON_DESCRIPTOR(fdatasync, "sync", (int fd), (fd))
ON_DESCRIPTOR(ftruncate, "truncate", (int fd, off_t size), (fd, size))
ON_DESCRIPTOR(ftruncate64, "truncate", (int fd, off64_t size), (fd, size))

#define ON_NAME(name, kind, parameters, arguments, folder, path) \
    int name parameters { \
        REAL(name); \
        if (is_last_at(kind, folder, path)) die(); \
        return real arguments; \
    }
ON_NAME(mkdir, "mkdir", (const char *p, mode_t m), (p, m), AT_FDCWD, p)
ON_NAME(mkdirat, "mkdir", (int d, const char *p, mode_t m), (d, p, m), d, p)
ON_NAME(unlink, "unlink", (const char *p), (p), AT_FDCWD, p)
ON_NAME(unlinkat, "unlink", (int d, const char *p, int f), (d, p, f), d, p)
ON_NAME(rmdir, "unlink", (const char *p), (p), AT_FDCWD, p)
ON_NAME(link, "link", (const char *p, const char *q), (p, q), AT_FDCWD, q)
ON_NAME(rename, "rename", (const char *p, const char *q), (p, q), AT_FDCWD, q)
ON_NAME(linkat, "link", (int d, const char *p, int e, const char *q, int f),
        (d, p, e, q, f), e, q)
ON_NAME(renameat, "rename", (int d, const char *p, int e, const char *q),
        (d, p, e, q), e, q)

/* Opening a file counts where that makes it. */
static int makes_last(int folder, const char *path, int flags) {
    struct stat status;
    if (!(flags & O_CREAT) || !fstatat(folder, path, &status, 0)) return 0;
    return is_last_at("create", folder, path);
}

#define MODE(last) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, last); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        MODE(flags) \
        if (makes_last(AT_FDCWD, path, flags)) die(); \
        return real(path, flags, mode); \
    }
#define OPEN_AT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        MODE(flags) \
        if (makes_last(folder, path, flags)) die(); \
        return real(folder, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)
