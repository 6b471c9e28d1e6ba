/* Sorts N numbers and prints a checksum of their order. The sort is written
 * out, since every C library has an algorithm of its own. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void insertion(uint32_t *a, long n)
{
	for (long i = 1; i < n; i++) {
		uint32_t x = a[i];
		long j = i;
		for (; j > 0 && a[j - 1] > x; j--)
			a[j] = a[j - 1];
		a[j] = x;
	}
}

static uint32_t median(uint32_t a, uint32_t b, uint32_t c)
{
	if (a < b)
		return b < c ? b : a < c ? c : a;
	return a < c ? a : b < c ? c : b;
}

/* Quicksort with Hoare's partition; the shorter part by recursion. */
static void sort(uint32_t *a, long n)
{
	while (n > 16) {
		uint32_t pivot = median(a[0], a[n / 2], a[n - 1]);
		long i = -1, j = n;
		for (;;) {
			do i++; while (a[i] < pivot);
			do j--; while (a[j] > pivot);
			if (i >= j)
				break;
			uint32_t x = a[i];
			a[i] = a[j], a[j] = x;
		}
		long low = j + 1, high = n - low;
		if (low < high) {
			sort(a, low);
			a += low, n = high;
		} else {
			sort(a + low, high);
			n = low;
		}
	}
	insertion(a, n);
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 4000000;
	uint32_t *numbers = malloc(((size_t)n + 1) * sizeof *numbers);
	uint32_t state = 1, sum = 0;
	if (!numbers)
		return 1;
	for (long i = 0; i < n; i++) {
		state = state * 1664525u + 1013904223u;
		numbers[i] = state ^ state >> 15;
	}
	sort(numbers, n);
	for (long i = 0; i < n; i++)
		sum = sum * 31 + numbers[i];
	printf("sort %ld %08x\n", n, (unsigned)sum);
	return 0;
}
