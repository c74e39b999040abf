# The image that finds bugs: all checks, the logical log, in-kernel self-tests.
CONFIG_CPPFLAGS := -DCONFIG_DEBUG=1 -DCONFIG_LLOG=1
CONFIG_CFLAGS   := -O2
CONFIG_SELFTEST := y
CONFIG_FRAMES   := y
