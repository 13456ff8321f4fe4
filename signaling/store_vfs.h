/* store_vfs.h - lets SQLite open its files by the relative names they have, part of the wall round it
 *
 * The daemon lives in its data folder, and the user it runs as may not be allowed to walk there from
 * the root: a folder in somebody's 0700 home. SQLite's own files system layer makes every name absolute
 * first and fails; this one leaves it. Once a process, any thread after that. */
#pragma once

/* The name of the layer, for sqlite3_open_v2(). */
const char *store_vfs(void);
