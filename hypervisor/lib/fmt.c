// SPDX-License-Identifier: GPL-2.0-or-later
// printf-style formatting. Each conversion is parsed into a struct spec, its digits are made
// backwards in a small buffer on the stack, and sign, zeros and padding go round them; output
// leaves in pieces through a sink, so nothing here depends on the length of the whole.
#include "lib/fmt.h"
#include "lib/string.h"

struct out {
	fmt_sink_fn sink;
	void *ctx;
	size_t total;
};

struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int prec; /* -1: none given */
	int size; /* bytes of an integer argument */
	char conv;
};

static void emit(struct out *o, const char *s, size_t n)
{
	if (n != 0)
		o->sink(o->ctx, s, n);
	o->total += n;
}

static void emit_repeat(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		emit(o, &c, 1);
}

/* prefix (sign, 0x), then `zeros` zeros, then the body; padded to the width. */
static void emit_field(struct out *o, const struct spec *sp, const char *prefix, int zeros,
		       const char *body, size_t len)
{
	int used = (int)strlen(prefix) + (int)len + zeros;
	int pad = sp->width > used ? sp->width - used : 0;

	if (sp->zero && !sp->left) {
		zeros += pad;
		pad = 0;
	}
	if (!sp->left)
		emit_repeat(o, ' ', pad);
	emit(o, prefix, strlen(prefix));
	emit_repeat(o, '0', zeros);
	emit(o, body, len);
	if (sp->left)
		emit_repeat(o, ' ', pad);
}

static void emit_unsigned(struct out *o, struct spec *sp, const char *prefix, uint64_t v,
			  unsigned int base)
{
	const char *digits = sp->conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char buf[24];
	size_t pos = sizeof(buf);
	int len;

	for (; v != 0; v /= base)
		buf[--pos] = digits[v % base];
	if (pos == sizeof(buf) && sp->prec != 0)
		buf[--pos] = '0';
	len = (int)(sizeof(buf) - pos);
	if (sp->prec >= 0)
		sp->zero = false;
	emit_field(o, sp, prefix, sp->prec > len ? sp->prec - len : 0, buf + pos, (size_t)len);
}

static void emit_signed(struct out *o, struct spec *sp, int64_t v)
{
	const char *sign = v < 0 ? "-" : sp->plus ? "+" : sp->space ? " " : "";

	emit_unsigned(o, sp, sign, v < 0 ? -(uint64_t)v : (uint64_t)v, 10);
}

static void emit_string(struct out *o, struct spec *sp, const char *s)
{
	if (s == NULL)
		s = "(null)";
	sp->zero = false;
	emit_field(o, sp, "", 0, s, sp->prec >= 0 ? strnlen(s, (size_t)sp->prec) : strlen(s));
}

static void emit_char(struct out *o, struct spec *sp, char c)
{
	sp->zero = false;
	emit_field(o, sp, "", 0, &c, 1);
}

static const char *parse_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		switch (*f) {
		case '-': sp->left = true; break;
		case '0': sp->zero = true; break;
		case '+': sp->plus = true; break;
		case ' ': sp->space = true; break;
		case '#': sp->alt = true; break;
		default: return f;
		}
	}
}

/* Decimal digits; capped far below INT_MAX, so that sums of widths cannot overflow. */
static const char *parse_number(const char *f, int *n)
{
	*n = 0;
	for (; *f >= '0' && *f <= '9'; f++)
		*n = *n > 100000 ? *n : *n * 10 + (*f - '0');
	return f;
}

static const char *parse_length(const char *f, int *size)
{
	*size = sizeof(int);
	switch (*f) {
	case 'h':
		*size = f[1] == 'h' ? sizeof(char) : sizeof(short);
		return f + (f[1] == 'h' ? 2 : 1);
	case 'l': *size = sizeof(long); return f + (f[1] == 'l' ? 2 : 1);
	case 'z':
	case 'j':
	case 't': *size = sizeof(long); return f + 1;
	default: return f;
	}
}

static uint64_t truncate_unsigned(uint64_t v, int size)
{
	return size == 8 ? v : v & ((1ULL << (size * 8)) - 1);
}

static int64_t truncate_signed(uint64_t v, int size)
{
	int shift = 64 - size * 8;

	return (int64_t)(v << shift) >> shift;
}

/* An array parameter would decay; a struct lets the helpers below share one va_list. */
struct args {
	va_list ap;
};

static uint64_t next_integer(struct args *a, int size)
{
	return size == 8 ? va_arg(a->ap, uint64_t) : (uint64_t)(int64_t)va_arg(a->ap, int);
}

static const char *parse_spec(const char *f, struct spec *sp, struct args *a)
{
	f = parse_flags(f, sp);
	if (*f == '*') {
		sp->width = va_arg(a->ap, int);
		f++;
		if (sp->width < 0) {
			sp->left = true;
			sp->width = sp->width < -100000 ? 100000 : -sp->width;
		}
	} else {
		f = parse_number(f, &sp->width);
	}
	if (*f == '.' && f[1] == '*') {
		sp->prec = va_arg(a->ap, int);
		f += 2;
	} else if (*f == '.') {
		f = parse_number(f + 1, &sp->prec);
	}
	f = parse_length(f, &sp->size);
	sp->conv = *f;
	return f;
}

static void convert(struct out *o, struct spec *sp, struct args *a, const char *start,
		    const char *end)
{
	uint64_t v;

	switch (sp->conv) {
	case 'd':
	case 'i': emit_signed(o, sp, truncate_signed(next_integer(a, sp->size), sp->size)); break;
	case 'u':
	case 'o':
		v = truncate_unsigned(next_integer(a, sp->size), sp->size);
		emit_unsigned(o, sp, "", v, sp->conv == 'u' ? 10 : 8);
		break;
	case 'x':
	case 'X':
		v = truncate_unsigned(next_integer(a, sp->size), sp->size);
		emit_unsigned(o, sp,
			      !sp->alt || v == 0 ? ""
			      : sp->conv == 'x'  ? "0x"
						 : "0X",
			      v, 16);
		break;
	case 'p': emit_unsigned(o, sp, "0x", (uintptr_t)va_arg(a->ap, void *), 16); break;
	case 'c': emit_char(o, sp, (char)va_arg(a->ap, int)); break;
	case 's': emit_string(o, sp, va_arg(a->ap, const char *)); break;
	case '%': emit(o, "%", 1); break;
	default: emit(o, start, (size_t)(end - start)); break;
	}
}

size_t fmt_vprintf(fmt_sink_fn sink, void *ctx, const char *fmt, va_list ap)
{
	struct out o = { .sink = sink, .ctx = ctx };
	struct args a;

	va_copy(a.ap, ap);
	while (*fmt != '\0') {
		struct spec sp = { .prec = -1 };
		const char *start = fmt;

		if (*fmt != '%') {
			while (*fmt != '\0' && *fmt != '%')
				fmt++;
			emit(&o, start, (size_t)(fmt - start));
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, &a);
		if (*fmt != '\0')
			fmt++;
		convert(&o, &sp, &a, start, fmt);
	}
	va_end(a.ap);
	return o.total;
}

size_t fmt_printf(fmt_sink_fn sink, void *ctx, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = fmt_vprintf(sink, ctx, fmt, ap);
	va_end(ap);
	return n;
}

struct buffer {
	char *buf;
	size_t size;
	size_t used;
};

static void buffer_sink(void *ctx, const char *s, size_t len)
{
	struct buffer *b = ctx;
	size_t n = MIN(len, b->size - b->used);

	if (n == 0)
		return;
	memcpy(b->buf + b->used, s, n);
	b->used += n;
}

size_t fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct buffer b = { .buf = buf, .size = size != 0 ? size - 1 : 0 };
	size_t n = fmt_vprintf(buffer_sink, &b, fmt, ap);

	if (size != 0)
		buf[b.used] = '\0';
	return n;
}

size_t fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
