package machine

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/anthill-grid/anthill/worker/limits"
)

// on makes the folder of a supply, from attributes and their values.
func on(dir fstest.MapFS, name string, attributes ...string) {
	for i := 0; i < len(attributes); i += 2 {
		dir[name+"/"+attributes[i]] = &fstest.MapFile{Data: []byte(attributes[i+1] + "\n")}
	}
}

func TestSupplies(t *testing.T) {
	type list = [][]string
	battery := func(status string, more ...string) []string {
		return append([]string{"BAT0", "type", "Battery", "status", status}, more...)
	}
	ac := func(online string) []string { return []string{"AC", "type", "Mains", "online", online} }
	usb := func(kind, online string) []string { return []string{"ucsi", "type", kind, "online", online} }
	second := []string{"BAT1", "type", "Battery", "status", "Discharging", "capacity", "80"}
	for name, c := range map[string]struct {
		supplies list
		want     limits.Power
	}{
		"a desktop":                   {nil, limits.Power{}},
		"mains":                       {list{ac("1"), battery("Charging")}, limits.Power{Supply: "AC"}},
		"mains, too weak":             {list{ac("1"), battery("Discharging")}, limits.Power{Supply: "AC"}},
		"no mains":                    {list{ac("0"), battery("Discharging", "capacity", "57")}, limits.Power{Battery: true, Supply: "BAT0", Charge: 57}},
		"one of two":                  {list{battery("Not charging"), second}, limits.Power{Battery: true, Supply: "BAT1", Charge: 80}},
		"both of two":                 {list{battery("Discharging", "capacity", "30"), second}, limits.Power{Battery: true, Supply: "BAT0, BAT1", Charge: 30}},
		"a cable":                     {list{usb("USB", "1"), battery("Discharging")}, limits.Power{Supply: "ucsi"}},
		"a programmable charger":      {list{usb("USB", "2"), battery("Discharging")}, limits.Power{Supply: "ucsi"}},
		"a cable, told by its kind":   {list{usb("USB_PD", "1"), battery("Discharging")}, limits.Power{Supply: "ucsi"}},
		"one of two cables":           {list{usb("USB", "0"), ac("1"), battery("Discharging")}, limits.Power{Supply: "AC"}},
		"neither of two":              {list{usb("USB", "0"), ac("0"), battery("Discharging")}, limits.Power{Battery: true, Supply: "BAT0"}},
		"a mouse":                     {list{{"hid", "type", "Battery", "scope", "Device", "status", "Discharging"}}, limits.Power{}},
		"a mouse, and no mains":       {list{ac("0"), {"hid", "type", "Battery", "scope", "Device", "status", "Unknown"}}, limits.Power{}},
		"a mouse that is charged":     {list{{"pad", "type", "Wireless", "scope", "Device", "online", "1"}, ac("0"), battery("Discharging")}, limits.Power{Battery: true, Supply: "BAT0"}},
		"a silent battery":            {list{{"BAT0", "type", "Battery"}}, limits.Power{}},
		"a silent one without mains":  {list{ac("0"), {"BAT0", "type", "Battery"}}, limits.Power{Battery: true, Supply: "BAT0"}},
		"an unsure one without mains": {list{ac("0"), battery("Unknown", "capacity", "9")}, limits.Power{Battery: true, Supply: "BAT0", Charge: 9}},
		"a full one without mains":    {list{ac("0"), battery("Full")}, limits.Power{}},
		"an empty bay":                {list{ac("0"), battery("Unknown", "present", "0")}, limits.Power{}},
		"silent mains":                {list{{"AC", "type", "Mains"}, battery("Discharging")}, limits.Power{Battery: true, Supply: "BAT0"}},
		"a power cut":                 {list{{"ups", "type", "UPS", "status", "Discharging", "capacity", "99"}}, limits.Power{Battery: true, Supply: "ups", Charge: 99}},
		"a power cut for a laptop":    {list{ac("1"), battery("Full"), {"ups", "type", "UPS", "status", "Discharging"}}, limits.Power{Battery: true, Supply: "ups"}},
		"a UPS at rest":               {list{{"ups", "type", "UPS", "status", "Full", "capacity", "100"}}, limits.Power{}},
	} {
		dir := fstest.MapFS{}
		for _, s := range c.supplies {
			on(dir, s[0], s[1:]...)
		}
		if got, err := supplies(dir); got != c.want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	if p, err := supplies(os.DirFS("/nowhere")); p != (limits.Power{}) || err != nil {
		t.Errorf("no such directory: %v, %v", p, err)
	}
}

func TestPmset(t *testing.T) {
	for text, want := range map[string]limits.Power{
		"Now drawing from 'AC Power'\n -InternalBattery-0 (id=4653155)\t100%; charged; 0:00 remaining present: true\n":         {},
		"Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t57%; discharging; 3:25 remaining present: true\n": {Battery: true, Supply: "InternalBattery-0", Charge: 57},
		"Now drawing from 'UPS Power'\n -Back-UPS ES 550G\t91%; discharging; 0:44 remaining present: true\n":                   {Battery: true, Supply: "Back-UPS ES 550G", Charge: 91},
		"Now drawing from 'Battery Power'\n": {Battery: true},
		"":                                   {},
	} {
		if got := parsePmset(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}
