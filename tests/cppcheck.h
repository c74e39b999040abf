/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* For cppcheck alone, which doesn't read libc's and libraries' headers: macros that look like
 * control flow. */
#define json_array_foreach(array, i, v) \
	for (i = 0; i < json_array_size(array) && (v = json_array_get(array, i)); i++)
#define json_object_foreach(object, k, v)                                   \
	for (k = json_object_iter_key(json_object_iter(object));            \
	     k && (v = json_object_iter_value(json_object_key_to_iter(k))); \
	     k = json_object_iter_key(json_object_iter_next(object, json_object_key_to_iter(k))))
