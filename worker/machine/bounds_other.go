//go:build !linux

package machine

func bounds() bound { return bound{} }
