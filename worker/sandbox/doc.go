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
// small frames; see frame.go. Deadlines count the child's processor time on Linux,
// with a generous one on the clock behind them, and the clock elsewhere.
//
// The child also stands within walls (package walls), which it puts up around itself
// before its first task, for the day when a guest breaks out of the engine. On Linux:
//
//	address space     the guest's memory and a little more, moved with each task
//	file size         512 MiB: what a child that compiles writes is the code cache
//	descriptors       1024, of which a guest may have 256 files open
//	no core dumps     what a guest worked on stays off the disk
//	lowest priority   nice 19
//	first out of memory  of all processes the child goes first when the machine has none
//	                  left (oom_score_adj 1000)
//	cpu time          twice the task's limit, for a parent that was stopped itself
//	SCHED_IDLE        only the processor time that nobody else wants
//	last of all sessions  the same where the kernel shares out processors between
//	                  sessions before it looks at processes, as on desktops
//	idle I/O          the same for disks whose scheduler knows of it
//	no new privileges setuid programs give none
//	landlock          reading: Config.Readable and the cache; writing: nothing; no TCP
//	seccomp           the system calls of this program alone: no socket, no new
//	                  process, no signal or look at another process
//
// There is no limit on processes: the system counts them by user, so that one
// low enough to bind would keep the donor's own programs from starting; seccomp
// lets the child make threads only. A wall that a system does not have is left
// out, and Slot.Walls says so. macOS has the limits except that of the address space,
// and the priority; Windows has the priority alone.
//
// An end that depends on the machine is no result: a time limit, a child that
// died of whatever cause, a full stack of the engine. See Status.
package sandbox
