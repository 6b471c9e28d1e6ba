/* Counts the primes below N. */
#include <stdio.h>
#include <stdlib.h>

static long primes(long n)
{
	unsigned char *composite = calloc((size_t)n + 1, 1);
	long count = 0;
	if (!composite)
		return -1;
	for (long i = 2; i < n; i++) {
		if (composite[i])
			continue;
		count++;
		for (long j = 2 * i; j < n; j += i)
			composite[j] = 1;
	}
	free(composite);
	return count;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 40000000;
	printf("sieve %ld %ld\n", n, primes(n));
	return 0;
}
