package machine

import (
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/anthill-grid/anthill/worker/limits"
)

// powerStatus is SYSTEM_POWER_STATUS.
type powerStatus struct {
	ac, battery, percent, saver byte
	left, full                  uint32 // seconds
}

// acOffline is what ac is without mains; it is 255 where that is not known.
const acOffline = 0

// fullPercent is the most that percent is where it is known.
const fullPercent = 100

func power() (limits.Power, error) {
	var s powerStatus
	call := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
	if err := call.Find(); err != nil {
		return limits.Power{}, err
	}
	if ok, _, err := call.Call(uintptr(unsafe.Pointer(&s))); ok == 0 {
		return limits.Power{}, err
	}
	p := limits.Power{Battery: s.ac == acOffline}
	if p.Battery && s.percent <= fullPercent {
		p.Charge = int(s.percent)
	}
	return p, nil
}
