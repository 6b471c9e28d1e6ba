/* Adds up the iterations of a square of N by N points. */
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 200 }; /* iterations of a point */

static int iterations(double cr, double ci)
{
	double r = 0, i = 0;
	for (int k = 0; k < MOST; k++) {
		double rr = r * r, ii = i * i, ri = r * i;
		if (rr + ii > 4)
			return k;
		r = rr - ii + cr;
		i = ri + ri + ci;
	}
	return MOST;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1280;
	long long sum = 0;
	for (int y = 0; y < n; y++)
		for (int x = 0; x < n; x++)
			sum += iterations(3 * (double)x / n - 2, 2 * (double)y / n - 1);
	printf("mandelbrot %d %lld\n", n, sum);
	return 0;
}
