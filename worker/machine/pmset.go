package machine

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/worker/limits"
)

// discharging is a line of pmset for a battery or a UPS, such as
// " -InternalBattery-0 (id=4653155)	57%; discharging; 3:25 remaining present: true".
var discharging = regexp.MustCompile(`(?m)^ -(.*?)(?: \(id=\d+\))?\t(\d+)%; discharging`)

// parsePmset reads what macOS's pmset -g ps says.
func parsePmset(text string) limits.Power {
	if !strings.Contains(text, "'Battery Power'") && !strings.Contains(text, "'UPS Power'") {
		return limits.Power{}
	}
	p := limits.Power{Battery: true}
	if found := discharging.FindStringSubmatch(text); found != nil {
		p.Supply = found[1]
		p.Charge, _ = strconv.Atoi(found[2]) // digits
	}
	return p
}
