/* Preloaded into pcscd, so that a second one runs beside the machine's own, without privileges.
 *
 * pcscd has its socket and its process id in /run/pcscd and takes every USB reader it finds. Here paths below
 * /run/pcscd lead to the directory that $CVQ_PCSCD_DIR names, and the directory of the USB drivers looks empty, so that
 * the machine's real readers stay with its real pcscd.
 *
 * vpcd, the driver of the virtual reader, listens for its card at every address and on a port of the configuration
 * (35963). Here it listens on loopback, on whichever port is free, which is written to the file `card-35963` beside the
 * socket: nothing has to guess a free port.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A virtual machine does not outlive the process that started it, nor does its children inherit this library. */
__attribute__((constructor)) static void belong(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    unsetenv("LD_PRELOAD");
}

#define FIXED "/run/pcscd"
#define USB_DRIVERS "/usr/lib/pcsc/drivers"

/* Returns `path`, or where it leads; NULL where it leads nowhere, so that the call fails instead of going astray. */
static const char *led(const char *path, char *room, size_t size)
{
    const char *directory = getenv("CVQ_PCSCD_DIR");
    size_t length = strlen(FIXED);

    if (strncmp(path, FIXED, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return path;
    if (!directory || (size_t)snprintf(room, size, "%s%s", directory, path + length) >= size) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return room;
}

#define LED(path) \
    char room[4096]; \
    const char *there = led(path, room, sizeof room); \
    if (!there) \
        return -1

int mkdir(const char *path, mode_t mode)
{
    int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
    LED(path);
    return real(there, mode);
}

int chmod(const char *path, mode_t mode)
{
    int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "chmod");
    LED(path);
    return real(there, mode);
}

int remove(const char *path)
{
    int (*real)(const char *) = dlsym(RTLD_NEXT, "remove");
    LED(path);
    return real(there);
}

int stat(const char *restrict path, struct stat *restrict result)
{
    int (*real)(const char *, struct stat *) = dlsym(RTLD_NEXT, "stat");
    LED(path);
    return real(there, result);
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    va_list rest;
    mode_t mode = 0;
    LED(path);
    if (flags & O_CREAT) {
        va_start(rest, flags);
        mode = (mode_t)va_arg(rest, int);
        va_end(rest);
    }
    return real(there, flags, mode);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
    char room[4096];
    const char *there = led(path, room, sizeof room);
    return there ? real(there, mode) : NULL;
}

/* Writes the port on which a listener ended up, whole or not at all. */
static int tell_port(int listener, int asked)
{
    struct sockaddr_in found;
    socklen_t length = sizeof found;
    char partial[4096], path[4096];
    FILE *file;

    if (getsockname(listener, (struct sockaddr *)&found, &length) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/card-%d", getenv("CVQ_PCSCD_DIR"), asked);
    snprintf(partial, sizeof partial, "%s/.card-%d", getenv("CVQ_PCSCD_DIR"), asked);
    file = fopen(partial, "w");
    if (!file)
        return -1;
    fprintf(file, "%d\n", ntohs(found.sin_port));
    return fclose(file) == 0 ? rename(partial, path) : -1;
}

int bind(int listener, const struct sockaddr *address, socklen_t length)
{
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    struct sockaddr_in loopback = {.sin_family = AF_INET};
    struct sockaddr_un moved = {.sun_family = AF_UNIX};
    const char *there;

    if (address->sa_family == AF_INET) {
        loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (real(listener, (struct sockaddr *)&loopback, sizeof loopback) != 0)
            return -1;
        return tell_port(listener, ntohs(((const struct sockaddr_in *)address)->sin_port));
    }
    if (address->sa_family != AF_UNIX)
        return real(listener, address, length);
    there = led(((const struct sockaddr_un *)address)->sun_path, moved.sun_path, sizeof moved.sun_path);
    if (!there)
        return -1;
    if (there != moved.sun_path)
        return real(listener, address, length);
    return real(listener, (const struct sockaddr *)&moved, sizeof moved);
}

DIR *opendir(const char *path)
{
    DIR *(*real)(const char *) = dlsym(RTLD_NEXT, "opendir");
    if (strncmp(path, USB_DRIVERS, strlen(USB_DRIVERS)) == 0) {
        errno = ENOENT;
        return NULL;
    }
    return real(path);
}
