#include "cli/notices.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct Bed {
	Notices *notices;
	unsigned taken;
	char text[64];
	unsigned fd_count;
} Bed;

static void on_notice(const Notice *notice, void *user)
{
	Bed *bed = user;
	bed->taken++;
	g_strlcpy(bed->text, notice->text, sizeof(bed->text));
	bed->fd_count = notice->fd_count;
	for (unsigned i = 0; i < notice->fd_count; i++)
		close(notice->fds[i]);
}

static void bed_set(Bed *bed, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	bed->notices = notices_new(on_notice, bed, &error);
	g_assert_no_error(error);
}

static void bed_clear(Bed *bed, gconstpointer data)
{
	notices_free(bed->notices);
}

/* Sends text, with fd beside it unless -1, and lets the loop take it. */
static void say(Bed *bed, const char *text, size_t len, int fd)
{
	const char *name = notices_address(bed->notices);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t name_len = strlen(name);
	memcpy(address.sun_path + 1, name + 1, name_len - 1);
	struct iovec iov = { (char *)text, len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr header = { .msg_name = &address,
		.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_len),
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	if (fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(sendmsg(sender, &header, 0), ==, len);
	close(sender);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

/* Whether a pipe whose writing end went along in a notice is closed everywhere again. */
static void assert_closed_after(Bed *bed, const char *text)
{
	int fds[2];
	char byte;
	g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
	say(bed, text, strlen(text), fds[1]);
	close(fds[1]);
	g_assert_cmpint(read(fds[0], &byte, 1), ==, 0);
	close(fds[0]);
}

static void test_sender(Bed *bed, gconstpointer data)
{
	say(bed, "READY=1", 7, -1); /* nobody is believed yet */
	notices_set_sender(bed->notices, getppid());
	say(bed, "READY=1", 7, -1);
	assert_closed_after(bed, "FDSTORE=1\nFDNAME=a");
	g_assert_cmpuint(bed->taken, ==, 0);

	notices_set_sender(bed->notices, getpid());
	say(bed, "READY=1", 7, -1);
	g_assert_cmpuint(bed->taken, ==, 1);
	g_assert_cmpstr(bed->text, ==, "READY=1");
	assert_closed_after(bed, "FDSTORE=1\nFDNAME=a");
	g_assert_cmpuint(bed->taken, ==, 2);
	g_assert_cmpuint(bed->fd_count, ==, 1);
}

static void test_long(Bed *bed, gconstpointer data)
{
	notices_set_sender(bed->notices, getpid());
	g_autofree char *text = g_strnfill(5000, 'x');
	say(bed, text, 5000, -1);
	g_assert_cmpuint(bed->taken, ==, 0);
	say(bed, "", 0, -1);
	g_assert_cmpuint(bed->taken, ==, 1);
	g_assert_cmpstr(bed->text, ==, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/notices/believe-the-child-alone", Bed, NULL, bed_set, test_sender, bed_clear);
	g_test_add("/notices/drop-what-is-too-long", Bed, NULL, bed_set, test_long, bed_clear);
	return g_test_run();
}
