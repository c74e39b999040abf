# The image that people run: optimized, no debug checks.
CONFIG_CPPFLAGS :=
CONFIG_CFLAGS   := -O2
