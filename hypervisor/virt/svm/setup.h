/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Once per machine and once per CPU: see virt_ops. */
#pragma once

#include "virt/virt.h"

bool svm_probe(const char **why);
int svm_init(void);
void svm_enable_cpu(void);

extern const struct virt_ops svm_ops;
