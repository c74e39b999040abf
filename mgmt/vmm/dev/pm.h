/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI power management: PM1 event and control blocks and the PM timer, at PM_BASE.
 * Offsets: 0 PM1_STS, 2 PM1_EN, 4 PM1_CNT, 8 PM_TMR. The SCI is level triggered on GSI_SCI.
 */
#pragma once

#include "vmm/machine.h"

#define PM_EVENT_OFFSET   0
#define PM_CONTROL_OFFSET 4
#define PM_TIMER_OFFSET   8
#define PM_SIZE           12
#define PM_TIMER_HZ       3579545

/*
 * Press the power button: sets PWRBTN_STS, and raises the SCI when the guest has enabled it. False:
 * it has not, so it will hardly notice. Takes the lock.
 */
bool pm_press_button(struct device *device);
