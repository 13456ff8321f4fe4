/* up.h - `diemcau up`: the supervisor of the daemons
 *
 * Opens every socket, starts the daemons, restarts what dies, kills what hangs, and ends only when
 * asked to. Speaks to them as systemd does. */
#pragma once

/* argv[0] is "up". The exit status. */
int up_run(int argc, char **argv);
