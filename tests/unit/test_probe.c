/* Measuring lines: how much of it a site, and all sites together, may do. By a clock of ours. */
#include "signaling/probe.h"

#define SECOND ((int64_t)G_USEC_PER_SEC)
#define START_US (1000 * SECOND)
#define RUN (800 * 1024) /* what one check takes at most */
#define PIECE (64 * 1024)

/* Bytes that pass of so many, in pieces. */
static size_t passed(Probe *probe, Bucket *site, size_t bytes, int64_t now_us)
{
	size_t sum = 0;
	for (size_t i = 0; i < bytes / PIECE; i++)
		sum += probe_admits(probe, site, PIECE, now_us) ? PIECE : 0;
	return sum;
}

static void lets_a_site_check_thrice_and_then_twice_a_minute(void)
{
	Probe *probe = probe_new();
	Bucket site = { 0 }, other = { 0 };
	for (unsigned i = 0; i < 3; i++)
		g_assert_cmpuint(passed(probe, &site, RUN, START_US), ==, RUN / PIECE * PIECE);
	g_assert_cmpuint(passed(probe, &site, 100 * RUN, START_US), <, RUN);
	g_assert_cmpuint(passed(probe, &site, RUN, START_US), ==, 0);
	g_assert_cmpuint(passed(probe, &other, RUN, START_US), >, 0); /* not held up */
	g_assert_cmpuint(
		passed(probe, &site, RUN, START_US + 30 * SECOND), ==, RUN / PIECE * PIECE);
	probe_free(probe);
}

static void lets_all_sites_together_have_a_share_of_the_line(void)
{
	Probe *probe = probe_new();
	Bucket sites[200] = { 0 };
	size_t sum = 0;
	for (unsigned i = 0; i < G_N_ELEMENTS(sites); i++)
		sum += passed(probe, &sites[i], RUN, START_US);
	g_assert_cmpuint(sum, ==, PROBE_ALL_BURST);
	for (unsigned i = 0; i < G_N_ELEMENTS(sites); i++)
		sum += passed(probe, &sites[i], RUN, START_US + SECOND);
	g_assert_cmpuint(sum, ==, PROBE_ALL_BURST + PROBE_ALL_RATE);
	g_assert_cmpuint(probe_bytes(probe), ==, sum);
	/* Who was refused for the others' sake has not used up his own. */
	Bucket *last = &sites[G_N_ELEMENTS(sites) - 1];
	g_assert_cmpuint(passed(probe, last, PROBE_SITE_BURST, START_US + 100 * SECOND), ==,
		PROBE_SITE_BURST);
	probe_free(probe);
}

static void counts_a_request_for_nothing_too(void)
{
	Probe *probe = probe_new();
	Bucket site = { 0 };
	unsigned count = 0;
	while (count < 100000 && probe_admits(probe, &site, 0, START_US))
		count++;
	g_assert_cmpuint(count, ==, PROBE_SITE_BURST / PROBE_LEAST);
	probe_free(probe);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/probe/lets-a-site-check-thrice-and-then-twice-a-minute",
		lets_a_site_check_thrice_and_then_twice_a_minute);
	g_test_add_func("/probe/lets-all-sites-together-have-a-share-of-the-line",
		lets_all_sites_together_have_a_share_of_the_line);
	g_test_add_func(
		"/probe/counts-a-request-for-nothing-too", counts_a_request_for_nothing_too);
	return g_test_run();
}
