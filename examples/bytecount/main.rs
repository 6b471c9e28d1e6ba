//! A task in Rust: counts how often each byte occurs in its shard. The counts are kept
//! in an array and not in a HashMap, whose order differs from run to run.

use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let mut counts = [0u64; 256];
    let mut buffer = vec![0u8; 64 * 1024];
    let mut stdin = io::stdin().lock();
    loop {
        let n = stdin.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        for &byte in &buffer[..n] {
            counts[byte as usize] += 1;
        }
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (byte, count) in counts.iter().enumerate().filter(|(_, &count)| count > 0) {
        writeln!(out, "{byte} {count}")?;
    }
    out.flush()
}
