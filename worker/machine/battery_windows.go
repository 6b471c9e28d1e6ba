package machine

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// powerStatus is SYSTEM_POWER_STATUS.
type powerStatus struct {
	ac, battery, percent, saver byte
	left, full                  uint32 // seconds
}

// acOffline is what ac is without mains; it is 255 where that is not known.
const acOffline = 0

func onBattery() (bool, error) {
	var s powerStatus
	call := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
	if err := call.Find(); err != nil {
		return false, err
	}
	if ok, _, err := call.Call(uintptr(unsafe.Pointer(&s))); ok == 0 {
		return false, err
	}
	return s.ac == acOffline, nil
}
