package main

import "syscall"

// dieWithParent keeps no process alive if the benchmark is killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
