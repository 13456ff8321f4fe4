/* text.h - what people write, made fit for screens: NFC, no controls, nothing that turns a line
 * round
 *
 * Everything a person types goes through here once, at the edge; what is stored is what is shown.
 * Pure function, any thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define TEXT_MARKS_MAX 8 /* combining marks in a row; Vietnamese has 2 */

/* Newly allocated: composed (NFC), trimmed, without control and bidi characters; line ends stay as
 * \n where keeps_lines (never three in a row), else all is one line with single spaces. NULL when
 * it is no valid UTF-8. May be empty. Cleaning it again changes nothing. */
char *text_clean(const char *raw, bool keeps_lines);
