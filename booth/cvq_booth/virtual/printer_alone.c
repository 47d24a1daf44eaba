/* Preloaded into ippeveprinter, so that it runs on a machine without avahi-daemon, D-Bus or IPv6.
 *
 * Debian 12's build sets up DNS-SD before it reads `-r off` and gives up when that fails, and gives up too when there is
 * no IPv6 address to listen on. These are the avahi functions it imports (nm -D): each one answers as if all were well
 * and announces nothing. The listener that is missing becomes a descriptor on which nobody ever calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A virtual machine does not outlive the process that started it, nor does its children inherit this library. */
__attribute__((constructor)) static void belong(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    unsetenv("LD_PRELOAD");
}

static char something;

void *avahi_threaded_poll_new(void) { return &something; }
const void *avahi_threaded_poll_get(void *loop) { return loop; }
int avahi_threaded_poll_start(void *loop) { (void)loop; return 0; }
void avahi_threaded_poll_lock(void *loop) { (void)loop; }
void avahi_threaded_poll_unlock(void *loop) { (void)loop; }

void *avahi_client_new(const void *loop, int flags, void *callback, void *data, int *error)
{
    (void)loop; (void)flags; (void)callback; (void)data;
    if (error)
        *error = 0;
    return &something;
}
int avahi_client_errno(void *client) { (void)client; return 0; }
const char *avahi_client_get_host_name_fqdn(void *client) { (void)client; return "localhost"; }

void *avahi_entry_group_new(void *client, void *callback, void *data)
{
    (void)client; (void)callback; (void)data;
    return &something;
}
int avahi_entry_group_commit(void *group) { (void)group; return 0; }
int avahi_entry_group_free(void *group) { (void)group; return 0; }
int avahi_entry_group_add_service_strlst(void *group, ...) { (void)group; return 0; }
int avahi_entry_group_add_service_subtype(void *group, ...) { (void)group; return 0; }

void *httpAddrGetList(const char *host, int family, const char *service)
{
    void *(*real)(const char *, int, const char *) = dlsym(RTLD_NEXT, "httpAddrGetList");
    void *list = real(host, family, service);
    return list || family != AF_INET6 ? list : real(host, AF_INET, service);
}

int httpAddrListen(void *address, int port)
{
    static int listening;
    int (*real)(void *, int) = dlsym(RTLD_NEXT, "httpAddrListen");
    int listener = real(address, port);
    int silent[2];

    if (listener >= 0)
        listening = 1;
    else if (listening && pipe(silent) == 0)
        listener = silent[0];
    return listener;
}
