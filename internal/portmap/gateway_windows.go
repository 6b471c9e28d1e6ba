package portmap

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

// gateway is the router to which this machine sends what is for the internet: of the
// routes for everything, the one that costs the least.
func gateway() (best netip.Addr, err error) {
	var table *windows.MibIpForwardTable2
	if err := windows.GetIpForwardTable2(windows.AF_INET, &table); err != nil {
		return netip.Addr{}, err
	}
	defer windows.FreeMibTable(unsafe.Pointer(table))
	err = ErrNoRouter
	least := uint32(0)
	for _, row := range table.Rows() {
		via := (*windows.RawSockaddrInet4)(unsafe.Pointer(&row.NextHop))
		if row.DestinationPrefix.PrefixLength != 0 || binary.NativeEndian.Uint32(via.Addr[:]) == 0 || err == nil && row.Metric >= least {
			continue
		}
		best, least, err = netip.AddrFrom4(via.Addr), row.Metric, nil
	}
	return best, err
}
