/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What was built: defined in a file that the build generates. */

/* git's name of the commit, with -dirty if the tree had changes. */
extern const char strata_version[];
/* The build configuration: "release" or "debug". */
extern const char strata_config[];
