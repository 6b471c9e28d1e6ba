// Package sandbox runs strangers' WASM modules: one task at a time per Slot,
// in a warm child process that can be killed.
//
// Task ABI v1 is a WASI preview 1 command. The shard is on standard input, the
// result on standard output, a log on standard error; arguments and
// environment come from the job; read-only files may stand under /data; exit
// code 0 is success. Nothing of the host shows through: no network, no host
// files, no host environment, a clock that moves by a millisecond each time it
// is read, a random source that is seeded by the task. Equal tasks give equal
// bytes on every machine.
//
// The engine (wazero) bounds only linear memory, and making it interruptible
// would slow honest loops five to twenty times. So the guest runs at full
// speed in a process of its own, and a deadline, a cancelled context or a
// memory bomb ends that process, never the worker. The child compiles (and
// keeps the last few modules), the parent only talks to it over two pipes in
// small frames; see frame.go.
package sandbox
