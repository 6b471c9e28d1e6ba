//! Sorts N numbers and prints a checksum of their order.

fn main() {
    let n: u32 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(4_000_000);
    let mut state: u32 = 1;
    let mut numbers: Vec<u32> = (0..n)
        .map(|_| {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            state ^ state >> 15
        })
        .collect();
    numbers.sort_unstable();
    let sum = numbers.iter().fold(0u32, |sum, &x| sum.wrapping_mul(31).wrapping_add(x));
    println!("sort {} {:08x}", n, sum);
}
