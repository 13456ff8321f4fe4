/* Addresses of recordings: for one recording, for some minutes, made by nobody else. */
#include "signaling/ticket.h"
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define ID "x_9tzZTXFh7_XaBYVoSo0Q.20261127T113501Z"
#define NOW INT64_C(1795779301)

static Links *links, *others;

static void opens_its_own_recording_until_it_ends(void)
{
	char ticket[TICKET_SIZE];
	ticket_write(links, ID, NOW + TICKET_S, ticket);
	g_assert_true(ticket_is_good(links, ID, NOW + TICKET_S, ticket, NOW));
	g_assert_true(ticket_is_good(links, ID, NOW + TICKET_S, ticket, NOW + TICKET_S - 1));
	g_assert_false(ticket_is_good(links, ID, NOW + TICKET_S, ticket, NOW + TICKET_S));
	g_assert_false(ticket_is_good(links, ID, NOW + TICKET_S, ticket, NOW + 1000000));
}

static void opens_no_other_and_no_longer(void)
{
	char ticket[TICKET_SIZE];
	ticket_write(links, ID, NOW + 60, ticket);
	g_assert_false(ticket_is_good(links, ID "-2", NOW + 60, ticket, NOW));
	g_assert_false(ticket_is_good(links, ID, NOW + 61, ticket, NOW));
	g_assert_false(ticket_is_good(others, ID, NOW + 60, ticket, NOW));
	/* Even one of ours opens no longer than it may. */
	ticket_write(links, ID, NOW + TICKET_S + 1, ticket);
	g_assert_false(ticket_is_good(links, ID, NOW + TICKET_S + 1, ticket, NOW));
}

static void is_spoilt_by_any_changed_letter(void)
{
	char ticket[TICKET_SIZE], long_id[200];
	ticket_write(links, ID, NOW + 60, ticket);
	for (unsigned i = 0; i < TICKET_SIZE - 1; i++) {
		char spoilt[TICKET_SIZE];
		memcpy(spoilt, ticket, sizeof spoilt);
		spoilt[i] = spoilt[i] == 'A' ? 'B' : 'A';
		g_assert_false(ticket_is_good(links, ID, NOW + 60, spoilt, NOW));
	}
	g_assert_false(ticket_is_good(links, ID, NOW + 60, "", NOW));
	ticket[TICKET_SIZE - 2] = 0;
	g_assert_false(ticket_is_good(links, ID, NOW + 60, ticket, NOW));
	memset(long_id, 'a', sizeof long_id);
	long_id[sizeof long_id - 1] = 0;
	g_assert_false(ticket_is_good(links, long_id, NOW + 60, ticket, NOW));
}

static void is_no_token_of_a_link(void)
{
	char mac[ID_SIZE], other[ID_SIZE];
	links_sign(links, "recording", "text", mac);
	links_sign(links, "anything else", "text", other);
	g_assert_cmpstr(mac, !=, other);
}

static Links *open_links(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	Links *opened = links_open(path, NULL);
	g_assert_nonnull(opened);
	g_unlink(path);
	return opened;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_autofree char *folder = g_dir_make_tmp("diemcau-ticket-XXXXXX", NULL);
	links = open_links(folder, "a");
	others = open_links(folder, "b");
	g_rmdir(folder);
	g_test_add_func("/ticket/opens-its-own-recording-until-it-ends",
		opens_its_own_recording_until_it_ends);
	g_test_add_func("/ticket/opens-no-other-and-no-longer", opens_no_other_and_no_longer);
	g_test_add_func("/ticket/is-spoilt-by-any-changed-letter", is_spoilt_by_any_changed_letter);
	g_test_add_func("/ticket/is-no-token-of-a-link", is_no_token_of_a_link);
	int result = g_test_run();
	links_free(links);
	links_free(others);
	return result;
}
