// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk of a guest's page tables: one entry a level, formats 32-bit, PAE and long mode (APM 2,
 * "Page Translation and Protection"). A walk is bounded by its levels, whatever the tables hold.
 */
#include "virt/gmem.h"

#include "lib/bits.h"
#include "lib/errno.h"

#define CR0_WP   BIT(16)
#define CR0_PG   BIT(31)
#define CR4_PSE  BIT(4)
#define CR4_PAE  BIT(5)
#define CR4_LA57 BIT(12)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define EFER_NX  BIT(11)
#define FLAGS_AC BIT(18)

#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_PS BIT(7)
#define PTE_NX BIT(63)

#define ERROR_P     1u
#define ERROR_W     2u
#define ERROR_U     4u
#define ERROR_RSVD  8u
#define ERROR_FETCH 16u

/* Shape of one paging mode. */
struct walk_mode {
	unsigned levels, index_bits, entry_size;
	uint64_t large_levels; /* bit n: an entry of level n (0: last) may be a large page */
};

static struct walk_mode walk_mode(const struct guest_paging *p)
{
	if (p->long_mode)
		return (struct walk_mode){ p->cr4 & CR4_LA57 ? 5 : 4, 9, 8, BIT(1) | BIT(2) };
	if (p->cr4 & CR4_PAE)
		return (struct walk_mode){ 3, 9, 8, BIT(1) };
	return (struct walk_mode){ 2, 10, 4, p->cr4 & CR4_PSE ? BIT(1) : 0 };
}

static gpa_t walk_root(const struct guest_paging *p)
{
	if (p->long_mode)
		return p->cr3 & BITS(51, 12);
	return p->cr4 & CR4_PAE ? p->cr3 & BITS(31, 5) : p->cr3 & BITS(31, 12);
}

/* Frame of a leaf entry whose page has `shift` bits. */
static gpa_t leaf_base(const struct walk_mode *m, uint64_t entry, unsigned shift)
{
	if (m->entry_size == 4 && shift == 22) /* PSE-36: bits 20:13 are address bits 39:32 */
		return (entry & BITS(31, 22)) | BITS_GET(entry, 20, 13) << 32;
	return entry & BITS(51, 12) & ~(BIT(shift) - 1);
}

static bool nx_on(const struct guest_paging *p, const struct walk_mode *m)
{
	return (p->efer & EFER_NX) && m->entry_size == 8;
}

static uint32_t access_code(const struct guest_paging *p, const struct walk_mode *m,
			    uint32_t access)
{
	uint32_t code = 0;

	if (access & GMEM_WRITE)
		code |= ERROR_W;
	if (p->cpl == 3)
		code |= ERROR_U;
	if ((access & GMEM_FETCH) && (nx_on(p, m) || (p->cr4 & CR4_SMEP)))
		code |= ERROR_FETCH;
	return code;
}

/* Whether the rights that all levels give (NX: any level takes) allow the access. */
static bool allowed(const struct guest_paging *p, uint64_t rights, uint32_t access)
{
	bool user = p->cpl == 3, user_page = rights & PTE_U;

	if (user && !user_page)
		return false;
	if ((access & GMEM_WRITE) && !(rights & PTE_W) && (user || (p->cr0 & CR0_WP)))
		return false;
	if (access & GMEM_FETCH)
		return !(rights & PTE_NX) && !(!user && user_page && (p->cr4 & CR4_SMEP));
	return user || !user_page || !(p->cr4 & CR4_SMAP) || (p->rflags & FLAGS_AC);
}

/* Reserved bits of an entry; those above the physical width are the nested table's affair. */
static bool reserved(const struct guest_paging *p, const struct walk_mode *m, uint64_t entry,
		     unsigned level, bool leaf)
{
	unsigned shift = 12 + level * m->index_bits;

	if (m->entry_size == 4)
		return leaf && level && (entry & BIT(21));
	if ((entry & PTE_NX) && !(p->efer & EFER_NX))
		return true;
	if (level >= 3 && (entry & PTE_PS))
		return true;
	return leaf && level && (entry & BITS(shift - 1, 13));
}

static int translate(struct vm *vm, struct gmem_view *view, const struct guest_paging *p,
		     uint64_t gva, uint32_t access, gpa_t *gpa, uint32_t *error)
{
	struct walk_mode m = walk_mode(p);
	uint64_t rights = PTE_W | PTE_U;
	gpa_t table = walk_root(p);

	if (!p->long_mode)
		gva = (uint32_t)gva;
	if (!(p->cr0 & CR0_PG)) {
		*gpa = gva;
		return 0;
	}
	*error = access_code(p, &m, access);
	for (unsigned level = m.levels; level-- > 0;) {
		unsigned shift = 12 + level * m.index_bits;
		/* The four entries at the top of PAE have no rights. */
		bool pdpte = !p->long_mode && m.levels == 3 && level == 2;
		uint64_t index = gva >> shift & (pdpte ? 3 : BIT(m.index_bits) - 1);
		uint64_t entry = 0;
		bool leaf;

		if (gmem_view_read(vm, view, table + index * m.entry_size, &entry, m.entry_size))
			return -EIO;
		if (!(entry & PTE_P))
			return -EFAULT;
		leaf = level == 0 || ((m.large_levels & BIT(level)) && (entry & PTE_PS));
		if (!pdpte && reserved(p, &m, entry, level, leaf)) {
			*error |= ERROR_P | ERROR_RSVD;
			return -EFAULT;
		}
		if (!pdpte)
			rights = (rights & (entry | PTE_NX)) | (nx_on(p, &m) ? entry & PTE_NX : 0);
		if (leaf) {
			*gpa = leaf_base(&m, entry, shift) | (gva & (BIT(shift) - 1));
			*error |= ERROR_P;
			return allowed(p, rights, access) ? 0 : -EFAULT;
		}
		table = entry & (m.entry_size == 8 ? BITS(51, 12) : BITS(31, 12));
	}
	return -EFAULT; /* not reached: level 0 is a leaf */
}

int gmem_translate(struct vm *vm, const struct guest_paging *p, uint64_t gva, uint32_t access,
		   gpa_t *gpa, uint32_t *error)
{
	struct gmem_view view = { 0 };

	return translate(vm, &view, p, gva, access, gpa, error);
}

unsigned gmem_fetch(struct vm *vm, const struct guest_paging *p, uint64_t gva, uint8_t *buf,
		    unsigned len)
{
	struct gmem_view view = { 0 };
	unsigned done = 0;

	while (done < len) {
		uint64_t at = gva + done;
		unsigned n = (unsigned)MIN((uint64_t)(len - done), 4096 - (at & 4095));
		uint32_t error;
		gpa_t gpa;

		if (translate(vm, &view, p, at, GMEM_FETCH, &gpa, &error) ||
		    gmem_view_read(vm, &view, gpa, buf + done, n))
			break;
		done += n;
	}
	return done;
}

uint64_t gmem_code_address(const struct guest_paging *p, uint64_t rip)
{
	if (p->long_mode && p->code64)
		return rip;
	return (uint32_t)(p->cs_base + (uint32_t)rip);
}
