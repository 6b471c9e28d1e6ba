//! Adds up the iterations of a square of N by N points.

const MOST: u32 = 200; // iterations of a point

fn iterations(cr: f64, ci: f64) -> u32 {
    let (mut r, mut i) = (0.0, 0.0);
    for k in 0..MOST {
        let (rr, ii, ri) = (r * r, i * i, r * i);
        if rr + ii > 4.0 {
            return k;
        }
        r = rr - ii + cr;
        i = ri + ri + ci;
    }
    MOST
}

fn main() {
    let n: u32 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1280);
    let mut sum: u64 = 0;
    for y in 0..n {
        for x in 0..n {
            let cr = 3.0 * f64::from(x) / f64::from(n) - 2.0;
            let ci = 2.0 * f64::from(y) / f64::from(n) - 1.0;
            sum += u64::from(iterations(cr, ci));
        }
    }
    println!("mandelbrot {} {}", n, sum);
}
