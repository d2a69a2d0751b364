/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/calls.h"

#include <fcntl.h>
#include <stdarg.h>

struct ag_sim_calls ag_sim_calls;

/* What the linker's --wrap calls the true ones and ours. */
int __real_access(const char *path, int mode);
int __real_open(const char *path, int flags, ...);
int __real_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *out);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __real_ioctl(int fd, unsigned long request, ...);
int __real_socket(int family, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *address, socklen_t len);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
ssize_t __real_read(int fd, void *out, size_t len);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __real_send(int fd, const void *data, size_t len, int flags);
int __wrap_access(const char *path, int mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *out);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_socket(int family, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
ssize_t __wrap_read(int fd, void *out, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

/* What a test makes of a call, or AG_SIM_KERNEL. */
#define ASK(call, ...) (ag_sim_calls.call ? ag_sim_calls.call(__VA_ARGS__) : AG_SIM_KERNEL)

int __wrap_access(const char *path, int mode)
{
	int r = ASK(access, path, mode);

	return r == AG_SIM_KERNEL ? __real_access(path, mode) : r;
}

int __wrap_open(const char *path, int flags, ...)
{
	int r = ASK(open, path, flags);
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	return r == AG_SIM_KERNEL ? __real_open(path, flags, mode) : r;
}

int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *out)
{
	int r = ASK(glob, pattern, out);

	return r == AG_SIM_KERNEL ? __real_glob(pattern, flags, error, out) : r;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int r = ASK(poll, fds, count, timeout_ms);

	return r == AG_SIM_KERNEL ? __real_poll(fds, count, timeout_ms) : r;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list args;
	int r;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	r = ASK(ioctl, fd, request, argument);
	return r == AG_SIM_KERNEL ? __real_ioctl(fd, request, argument) : r;
}

int __wrap_socket(int family, int type, int protocol)
{
	int r = ASK(socket, family, type, protocol);

	return r == AG_SIM_KERNEL ? __real_socket(family, type, protocol) : r;
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	int r = ASK(bind, fd, address, len);

	return r == AG_SIM_KERNEL ? __real_bind(fd, address, len) : r;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	int r = ASK(getsockopt, fd, level, name, value, len);

	return r == AG_SIM_KERNEL ? __real_getsockopt(fd, level, name, value, len) : r;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int r = ASK(setsockopt, fd, level, name, value, len);

	return r == AG_SIM_KERNEL ? __real_setsockopt(fd, level, name, value, len) : r;
}

ssize_t __wrap_read(int fd, void *out, size_t len)
{
	ssize_t r = ASK(read, fd, out, len);

	return r == AG_SIM_KERNEL ? __real_read(fd, out, len) : r;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	ssize_t r = ASK(write, fd, data, len);

	return r == AG_SIM_KERNEL ? __real_write(fd, data, len) : r;
}

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags)
{
	ssize_t r = ASK(send, fd, data, len, flags);

	return r == AG_SIM_KERNEL ? __real_send(fd, data, len, flags) : r;
}
