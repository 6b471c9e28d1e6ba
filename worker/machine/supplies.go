package machine

import (
	"cmp"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/worker/limits"
)

// supplies reads Linux's directory of power supplies: see
// Documentation/ABI/testing/sysfs-class-power of the kernel. No directory means mains.
func supplies(dir fs.FS) (limits.Power, error) {
	names, err := fs.ReadDir(dir, ".")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return limits.Power{}, err
	}
	var list []supply
	for _, n := range names {
		s := supply{dir, n.Name()}
		if s.get("scope") != "Device" && s.get("present") != "0" { // not of a mouse, nor an empty bay
			list = append(list, s)
		}
	}
	return judge(list), nil
}

// judge says what a machine with these supplies runs on. A UPS that discharges tells of
// a power cut, whatever hangs on it. A battery that discharges beside mains helps them.
// Where all mains are off, a battery that does not know what it does discharges.
func judge(list []supply) limits.Power {
	var ups, online, offline, discharging, silent []supply
	for _, s := range list {
		status := cmp.Or(s.get("status"), "Unknown")
		switch kind := s.get("type"); {
		case kind == "UPS" && status == "Discharging":
			ups = append(ups, s)
		case kind == "Battery" && status == "Discharging":
			discharging = append(discharging, s)
		case kind == "Battery" && status == "Unknown":
			silent = append(silent, s)
		case s.isMains() && s.get("online") == "0":
			offline = append(offline, s)
		case s.isMains() && s.get("online") != "": // 2 is a charger that can be programmed
			online = append(online, s)
		}
	}
	switch {
	case len(ups) > 0:
		return onBattery(ups)
	case len(online) > 0:
		return limits.Power{Supply: nameAll(online)}
	case len(discharging) > 0:
		return onBattery(discharging)
	case len(offline) > 0 && len(silent) > 0:
		return onBattery(silent)
	}
	return limits.Power{}
}

// supply is a folder with a file for each attribute.
type supply struct {
	dir  fs.FS
	name string
}

// get is empty for an attribute that the driver leaves out.
func (s supply) get(attribute string) string {
	text, _ := fs.ReadFile(s.dir, s.name+"/"+attribute)
	return strings.TrimSpace(string(text))
}

// isMains also knows the kinds of USB that older kernels tell apart, such as USB_PD.
func (s supply) isMains() bool {
	switch kind := s.get("type"); kind {
	case "Mains", "Wireless", "BrickID":
		return true
	default:
		return strings.HasPrefix(kind, "USB")
	}
}

// onBattery has the charge of the emptiest.
func onBattery(list []supply) limits.Power {
	p := limits.Power{Battery: true, Supply: nameAll(list)}
	for _, s := range list {
		if charge, err := strconv.Atoi(s.get("capacity")); err == nil && charge > 0 && (p.Charge == 0 || charge < p.Charge) {
			p.Charge = charge
		}
	}
	return p
}

func nameAll(list []supply) string {
	var names []string
	for _, s := range list {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}
