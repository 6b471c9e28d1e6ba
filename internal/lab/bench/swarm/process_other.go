//go:build !linux

package main

import "syscall"

// dieWithParent: only Linux has network namespaces, so nothing is ever started.
func dieWithParent() *syscall.SysProcAttr { return nil }
