/* fuzz.h - what every fuzz target stands on
 *
 * A target takes hostile bytes, calls one parser and asserts what must hold of its result.
 * Sanitizers see the rest. G_DISABLE_ASSERT is never set here. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
