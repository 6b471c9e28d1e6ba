// Counts the primes from LO to HI-1, which the shard names.
const [lo, hi] = stdin.trim().split(" ").map(Number);

const composite = new Uint8Array(hi - lo);
for (let p = 2; p * p < hi; p++) {
  for (let n = Math.max(p * p, Math.ceil(lo / p) * p); n < hi; n += p) {
    composite[n - lo] = 1;
  }
}
let primes = 0;
for (let n = Math.max(lo, 2); n < hi; n++) {
  if (!composite[n - lo]) primes++;
}
print(`${lo} ${hi} ${primes}`);
