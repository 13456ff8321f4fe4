/* Lines go to the sfu; while it is away they wait a moment, a few of them. */
#include "common/channel.h"
#include "lines.h"
#include "signaling/handover.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/resource.h>

static int64_t now_us;

static int64_t fake_clock(void)
{
	return now_us;
}

typedef struct Bed {
	char *folder, *path;
	Handover *handover;
	int listening;
} Bed;

static void bed_set(Bed *bed, bool there)
{
	now_us = 1000;
	*bed = (Bed){ .folder = g_dir_make_tmp("diemcau-handover-XXXXXX", NULL), .listening = -1 };
	bed->path = g_build_filename(bed->folder, "door.sock", NULL);
	bed->handover = handover_new(bed->path, fake_clock);
	if (there)
		bed->listening = channel_listen(bed->path, NULL);
}

static void bed_clear(Bed *bed)
{
	handover_free(bed->handover);
	close(bed->listening);
	g_unlink(bed->path);
	g_rmdir(bed->folder);
	g_free(bed->path);
	g_free(bed->folder);
}

static HandoverCounts counts_of(const Bed *bed)
{
	HandoverCounts counts;
	handover_counts(bed->handover, &counts);
	return counts;
}

/* The other end of a line that was given. */
static int give(Bed *bed)
{
	int ours, browser = lines_pair(&ours);
	handover_give(bed->handover, ours);
	return browser;
}

/* One line of a caller, -1: there is none. */
static int receive(int caller)
{
	char data[8];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { data, sizeof data };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	int fd;
	if (recvmsg(caller, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	g_assert_nonnull(rights);
	g_assert_cmpuint(rights->cmsg_len, ==, CMSG_LEN(sizeof fd));
	memcpy(&fd, CMSG_DATA(rights), sizeof fd);
	return fd;
}

static void assert_line(int caller, int browser)
{
	int fd = receive(caller);
	char text[4] = "";
	g_assert_cmpint(fd, >=, 0);
	lines_say(browser, "abc", 3);
	g_assert_cmpint(recv(fd, text, 3, MSG_WAITALL), ==, 3);
	g_assert_cmpstr(text, ==, "abc");
	close(fd);
	g_assert_true(lines_ends(browser, PATIENCE_MS)); /* no other copy is left */
	close(browser);
}

static void test_gives(void)
{
	Bed bed;
	bed_set(&bed, true);
	int one = give(&bed), two = give(&bed);
	int caller = accept(bed.listening, NULL, NULL);
	assert_line(caller, one);
	assert_line(caller, two);
	g_assert_cmpint(receive(caller), ==, -1);
	g_assert_cmpuint(counts_of(&bed).handed_total, ==, 2);
	close(caller);
	bed_clear(&bed);
}

static void test_away(void)
{
	Bed bed;
	bed_set(&bed, false);
	int one = give(&bed);
	now_us += HANDOVER_WAIT_US / 2;
	int two = give(&bed);
	now_us += HANDOVER_WAIT_US / 2;
	handover_tick(bed.handover);
	g_assert_cmpuint(counts_of(&bed).waiting, ==, 2);
	now_us++;
	handover_tick(bed.handover);
	g_assert_true(lines_ends(one, PATIENCE_MS));
	g_assert_false(lines_ends(two, 0));
	bed.listening = channel_listen(bed.path, NULL); /* back in time for the second */
	handover_tick(bed.handover);
	int caller = accept(bed.listening, NULL, NULL);
	assert_line(caller, two);
	g_assert_cmpuint(counts_of(&bed).lost_total, ==, 1);
	g_assert_cmpuint(counts_of(&bed).waiting, ==, 0);
	close(one);
	close(caller);
	bed_clear(&bed);
}

static gboolean on_late(void *user)
{
	g_error("waited too long");
	return G_SOURCE_REMOVE;
}

/* It tries by itself as long as anything waits. */
static void test_tries(void)
{
	Bed bed;
	bed_set(&bed, false);
	int browser = give(&bed);
	bed.listening = channel_listen(bed.path, NULL);
	unsigned late = g_timeout_add(PATIENCE_MS, on_late, NULL);
	while (counts_of(&bed).waiting)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(late);
	int caller = accept(bed.listening, NULL, NULL);
	assert_line(caller, browser);
	close(caller);
	bed_clear(&bed);
}

static void test_restart(void)
{
	Bed bed;
	bed_set(&bed, true);
	int one = give(&bed);
	int caller = accept(bed.listening, NULL, NULL);
	assert_line(caller, one);
	close(caller); /* killed; its supervisor keeps the socket */
	int two = give(&bed);
	caller = accept(bed.listening, NULL, NULL);
	assert_line(caller, two);
	close(caller);
	g_assert_cmpuint(counts_of(&bed).lost_total, ==, 0);
	bed_clear(&bed);
}

static void test_bounds(void)
{
	Bed bed;
	int browsers[HANDOVER_WAITING_MAX + 1];
	bed_set(&bed, false);
	for (unsigned i = 0; i < HANDOVER_WAITING_MAX; i++)
		browsers[i] = give(&bed);
	g_assert_cmpuint(counts_of(&bed).lost_total, ==, 0);
	browsers[HANDOVER_WAITING_MAX] = give(&bed);
	g_assert_cmpuint(counts_of(&bed).lost_total, ==, 1);
	g_assert_true(lines_ends(browsers[HANDOVER_WAITING_MAX], PATIENCE_MS));
	g_assert_false(lines_ends(browsers[0], 0));
	/* One that does not read takes what its socket holds; the rest waits, in order. */
	bed.listening = channel_listen(bed.path, NULL);
	handover_tick(bed.handover);
	int caller = accept(bed.listening, NULL, NULL);
	for (unsigned i = 0; i < HANDOVER_WAITING_MAX; i++) {
		assert_line(caller, browsers[i]);
		handover_tick(bed.handover);
	}
	g_assert_cmpuint(counts_of(&bed).handed_total, ==, HANDOVER_WAITING_MAX);
	close(browsers[HANDOVER_WAITING_MAX]);
	close(caller);
	bed_clear(&bed);
}

static void test_end(void)
{
	Bed bed;
	bed_set(&bed, false);
	int browser = give(&bed);
	bed_clear(&bed);
	g_assert_true(lines_ends(browser, PATIENCE_MS));
	close(browser);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	struct rlimit files = { 4096, 4096 };
	(void)setrlimit(RLIMIT_NOFILE, &files);
	g_test_add_func("/handover/gives-the-line-away", test_gives);
	g_test_add_func("/handover/waits-a-moment-for-the-sfu", test_away);
	g_test_add_func("/handover/tries-by-itself", test_tries);
	g_test_add_func("/handover/finds-the-sfu-that-was-started-again", test_restart);
	g_test_add_func("/handover/keeps-so-many", test_bounds);
	g_test_add_func("/handover/ends-with-what-waits", test_end);
	return g_test_run();
}
