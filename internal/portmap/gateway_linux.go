package portmap

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// gateway is the router to which this machine sends what is for the internet.
func gateway() (netip.Addr, error) {
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return netip.Addr{}, err
	}
	return gatewayIn(table)
}

// gatewayIn reads the kernel's table of routes: of those for everything, the one that
// costs the least.
func gatewayIn(table []byte) (best netip.Addr, err error) {
	err = ErrNoRouter
	least := uint64(0)
	for line := range bytes.Lines(table) {
		f := strings.Fields(string(line)) // interface, destination, gateway, flags, -, -, metric, mask
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		address, bad := strconv.ParseUint(f[2], 16, 32)
		metric, worse := strconv.ParseUint(f[6], 10, 64)
		if bad != nil || worse != nil || address == 0 || err == nil && metric >= least {
			continue
		}
		var ip [4]byte
		binary.NativeEndian.PutUint32(ip[:], uint32(address))
		best, least, err = netip.AddrFrom4(ip), metric, nil
	}
	return best, err
}
