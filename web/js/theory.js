// What others would pay for the same certainty: executions per task under voting by
// majority, m equal results of 2m-1, where a share f of the owners lies together.

const choose = (n, k) => { let c = 1; for (let i = 0; i < k; i++) c = c * (n - i) / (i + 1); return c; };

// wrong is the probability that m liars come together first.
const wrong = (m, f) => {
  let p = 0;
  for (let j = m; j <= 2 * m - 1; j++) p += choose(2 * m - 1, j) * f ** j * (1 - f) ** (2 * m - 1 - j);
  return p;
};

// voting is how many executions a task needs until at most a share max of results is wrong.
export function voting(max, f) {
  if (!(max > 0) || !(f > 0) || f >= 0.5) return 0;
  for (let m = 1; m <= 40; m++) if (wrong(m, f) <= max) return m / (1 - f);
  return 0;
}
