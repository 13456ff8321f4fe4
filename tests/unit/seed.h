/* seed.h - one random seed a test run, printed so that a failure can be repeated with TEST_SEED=N */
#pragma once
#include <glib.h>
#include <stdlib.h>

static inline GRand *seeded_random(void)
{
	const char *wanted = g_getenv("TEST_SEED");
	guint32 seed = wanted ? (guint32)strtoul(wanted, NULL, 0) : g_random_int();
	g_test_message("TEST_SEED=%u", seed);
	return g_rand_new_with_seed(seed);
}
