/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio 1.2: "Common configuration structure layout", "Device Status Field". */
#pragma once

#include "lib/types.h"

#define VIRTIO_CAP_COMMON 1
#define VIRTIO_CAP_NOTIFY 2

struct virtio_common {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t config_msix_vector, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2]; /* low half first */
};
static_assert_size(struct virtio_common, 56);
static_assert_offset(struct virtio_common, device_status, 20);
static_assert_offset(struct virtio_common, queue_desc, 32);

#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER      2
#define VIRTIO_STATUS_DRIVER_OK   4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 64

#define VIRTIO_F_VERSION_1_HIGH 1u /* bit 32: of the second word of features */

#define VIRTIO_NO_VECTOR 0xffff
