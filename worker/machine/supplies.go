package machine

import (
	"errors"
	"io/fs"
	"strings"
)

// supplies reads Linux's directory of power supplies: a machine is on battery if
// one of its batteries discharges and nothing else is online. The batteries of
// mice and the like do not count. No directory means no battery.
func supplies(dir fs.FS) (bool, error) {
	names, err := fs.ReadDir(dir, ".")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	discharging := false
	for _, n := range names {
		attribute := func(name string) string {
			text, _ := fs.ReadFile(dir, n.Name()+"/"+name) // drivers leave some out
			return strings.TrimSpace(string(text))
		}
		switch attribute("type") {
		case "Mains", "USB", "Wireless":
			if attribute("online") == "1" {
				return false, nil
			}
		case "Battery":
			if attribute("scope") != "Device" && attribute("status") == "Discharging" {
				discharging = true
			}
		}
	}
	return discharging, nil
}
