/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's log on the terminal. While the shell has it (Strata's /dev/klog, of each console its
 * own) the kernel leaves the terminal alone, and lines come out where they disturb nobody: above
 * the line that is being edited, between replies of init; when a VM's console or `top` has the
 * screen, afterwards.
 */
#pragma once

/* Takes the log over; where there is none, nothing ever comes. */
void notes_begin(void);
/* Readable when lines wait; -1: never. */
int notes_fd(void);
/* Writes what waits, each a line, from the first column on. */
void notes_print(void);
