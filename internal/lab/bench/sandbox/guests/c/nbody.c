/* Moves the sun and four planets N steps of 0.01 days and prints the energy
 * before and after. The orbits are those of the benchmarks game. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODIES = 5 };

#define PI 3.14159265358979323846
#define SUN (4 * PI * PI)
#define YEAR 365.24
#define STEP 0.01

struct body {
	double x, y, z, vx, vy, vz, mass;
};

static struct body bodies[BODIES] = {
	{0, 0, 0, 0, 0, 0, SUN},
	{4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609},
	{8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -0.00276742510726411, 0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812},
	{12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556, 0.0000436624404335156298},
	{15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870, 0.0000515138902046611451},
};

static void start(void)
{
	for (int i = 1; i < BODIES; i++) {
		struct body *b = &bodies[i];
		b->vx *= YEAR, b->vy *= YEAR, b->vz *= YEAR, b->mass *= SUN;
		bodies[0].vx -= b->vx * b->mass / SUN;
		bodies[0].vy -= b->vy * b->mass / SUN;
		bodies[0].vz -= b->vz * b->mass / SUN;
	}
}

static void advance(void)
{
	for (int i = 0; i < BODIES; i++) {
		struct body *a = &bodies[i];
		for (int j = i + 1; j < BODIES; j++) {
			struct body *b = &bodies[j];
			double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
			double square = dx * dx + dy * dy + dz * dz;
			double pull = STEP / (square * sqrt(square));
			double am = a->mass * pull, bm = b->mass * pull;
			a->vx -= dx * bm, a->vy -= dy * bm, a->vz -= dz * bm;
			b->vx += dx * am, b->vy += dy * am, b->vz += dz * am;
		}
	}
	for (int i = 0; i < BODIES; i++) {
		struct body *b = &bodies[i];
		b->x += STEP * b->vx, b->y += STEP * b->vy, b->z += STEP * b->vz;
	}
}

static double energy(void)
{
	double total = 0;
	for (int i = 0; i < BODIES; i++) {
		struct body *a = &bodies[i];
		total += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
		for (int j = i + 1; j < BODIES; j++) {
			struct body *b = &bodies[j];
			double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
			total -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
		}
	}
	return total;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 4000000;
	double before;
	start();
	before = energy();
	for (int i = 0; i < n; i++)
		advance();
	printf("nbody %d %.9f %.9f\n", n, before, energy());
	return 0;
}
